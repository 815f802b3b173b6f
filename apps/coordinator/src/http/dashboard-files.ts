import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { serveStatic } from '@hono/node-server/serve-static';
import type { Hono } from 'hono';

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
  app.get(
    '*',
    serveStatic({
      root: folder,
      precompressed: true,
      onFound: (path, context) => {
        const isNamedByContent = path.startsWith(join(folder, 'assets'));
        context.header(
          'Cache-Control',
          isNamedByContent ? 'public, max-age=31536000, immutable' : 'no-cache',
        );
      },
    }),
  );
  const index = serveStatic({
    root: folder,
    path: 'index.html',
    precompressed: true,
    onFound: (_path, context) => context.header('Cache-Control', 'no-cache'),
  });
  app.get('*', (context, next) => (isPage(context.req.path) ? index(context, next) : next()));
}

/** True for the path of a page, not of a file or of the API. */
function isPage(path: string): boolean {
  return !/^\/api(\/|$)/.test(path) && !/\.\w+$/.test(path);
}
