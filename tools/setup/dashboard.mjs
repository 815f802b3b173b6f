import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from './command.mjs';
import { SetupFailure } from './failure.mjs';

/** What the page is built from, within apps/dashboard. */
const sources = ['src', 'public', 'index.html', 'vite.config.ts', 'package.json'];

/**
 * The page that the coordinator serves.
 * @param {{ root: string }} folders
 * @returns {import('./step.mjs').Step}
 */
export function dashboardStep({ root }) {
  const folder = join(root, 'apps/dashboard');
  const index = join(folder, 'dist/site/index.html');
  return {
    name: 'dashboard',
    after: ['build'],
    isDone: async () => {
      const builtMs = await modifiedMs(index);
      const times = await Promise.all(sources.map((name) => newestMs(join(folder, name))));
      return builtMs > Math.max(...times) ? 'up to date' : undefined;
    },
    missing: 'the page is not built from the present sources',
    doing: 'building the page',
    perform: async () => {
      const vite = join(root, 'node_modules/.bin/vite');
      const result = await run(vite, ['build', '--logLevel', 'error'], { cwd: folder });
      if (result.ok) return;
      const first = result.stderr.trim().split('\n')[0] ?? '';
      throw new SetupFailure(
        `the dashboard does not build (${first})`,
        'see all of it with: npm run build -w @berth/dashboard',
      );
    },
  };
}

/** When a file, or anything in a folder, was last changed; folders count, so that a removed file is noticed. */
async function newestMs(path) {
  const info = await stat(path).catch(() => undefined);
  if (info === undefined) return 0;
  if (!info.isDirectory()) return info.mtimeMs;
  const names = await readdir(path, { recursive: true });
  const times = await Promise.all(names.map((name) => modifiedMs(join(path, name))));
  return Math.max(info.mtimeMs, ...times);
}

async function modifiedMs(path) {
  return (await stat(path).catch(() => undefined))?.mtimeMs ?? 0;
}
