import { join } from 'node:path';
import { run } from './command.mjs';
import { SetupFailure } from './failure.mjs';

/**
 * The compiled JavaScript of all packages.
 * @param {{ root: string }} folders
 * @returns {import('./step.mjs').Step}
 */
export function buildStep({ root }) {
  const tsc = join(root, 'node_modules/.bin/tsc');
  return {
    name: 'build',
    after: ['packages'],
    isDone: async () => {
      const result = await run(tsc, ['-b', '--dry'], { cwd: root });
      return result.ok && !/would (build|update)/.test(result.stdout) ? 'up to date' : undefined;
    },
    missing: 'the packages are not compiled from the present sources',
    doing: 'compiling the packages',
    perform: async () => {
      const result = await run(tsc, ['-b', '--pretty', 'false'], { cwd: root });
      if (result.ok) return;
      const first = result.stdout.split('\n').find((line) => line.includes('error')) ?? '';
      throw new SetupFailure(
        `the packages do not compile (${first || result.stderr})`,
        'see all errors with: npx tsc -b',
      );
    },
  };
}
