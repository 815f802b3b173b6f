import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { serveStatic } from '@hono/node-server/serve-static';
import type { Hono, MiddlewareHandler } from 'hono';

/** Where the built dashboard lies in a checkout. */
export const dashboardFolder = fileURLToPath(
  new URL('../../../dashboard/dist/site', import.meta.url),
);

const notBuilt =
  'The dashboard is not built: run `npm run build -w @berth/dashboard` in the checkout.\n' +
  'The API answers under /api; its description is at /api/openapi.json.\n';

/** Serves the built dashboard: files under /assets have their content in their name, every other page is its index. */
export function serveDashboard(app: Hono, folder: string): void {
  const isBuilt = (): boolean => existsSync(join(folder, 'index.html'));
  if (!isBuilt()) {
    app.get('*', (context, next) =>
      isPage(context.req.path) ? context.text(notBuilt, 404) : next(),
    );
    return;
  }
  const files = serveStatic({ root: folder, precompressed: true });
  const index = serveStatic({ root: folder, path: 'index.html', precompressed: true });
  const serve =
    (handler: MiddlewareHandler): MiddlewareHandler =>
    async (context, next) => {
      const response = await handler(context, next);
      if (!(response instanceof Response)) return;
      const isNamedByContent = context.req.path.startsWith('/assets/');
      response.headers.set(
        'Cache-Control',
        isNamedByContent ? 'public, max-age=31536000, immutable' : 'no-cache',
      );
      return response;
    };
  app.get('*', serve(files));
  app.get('*', (context, next) =>
    isPage(context.req.path) ? serve(index)(context, next) : next(),
  );
}

/** True for the path of a page, not of a file or of the API. */
function isPage(path: string): boolean {
  return !/^\/api(\/|$)/.test(path) && !/\.\w+$/.test(path);
}
