import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { configDefaults, defineConfig } from 'vitest/config';
import { version as tensorflow } from './tools/setup/pins.mjs';

/** Tests of minutes, run by `npm run test:full`. */
const longTests = process.env['BERTH_TEST_FULL'] === '1' ? [] : ['**/*.full.test.ts'];

const conditions = ['@berth/source', 'node', 'import', 'default'];

/** What XLA compiles for one test serves the others. */
const machineCode = fileURLToPath(
  new URL(`node_modules/.cache/berth/xla-${tensorflow}`, import.meta.url),
);

const everything = [
  'libs/*/{src,test}/**/*.test.ts',
  'apps/*/{src,test}/**/*.test.ts',
  'tools/**/*.test.ts',
];

/** Files that load the TensorFlow addon, which belongs to a process, or change the environment of their own. */
const apart = [
  'libs/{graph,model,inference}/**',
  'libs/training/src/single-process.test.ts',
  'libs/training/src/testing/**',
  'apps/worker/src/{device,threads}/**',
  'tools/setup/**',
];

const exclude = [...configDefaults.exclude, ...longTests];

// A process for each file costs half a second before its first test, so files that do not mind share them.
export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    pool: 'forks',
    projects: [
      { extends: true, test: { name: 'apart', include: apart.map(testsIn), exclude } },
      {
        extends: true,
        test: {
          name: 'together',
          include: everything,
          exclude: [...exclude, ...apart],
          isolate: false,
        },
      },
    ],
    setupFiles: ['./libs/testing/src/fixtures/own-temporary-folder.ts'],
    // A test that hangs fails late; one that is slow, because the machine is, does not fail.
    testTimeout: 1_800_000,
    hookTimeout: 1_800_000,
    expect: { poll: { timeout: 600_000 } },
    env: { BERTH_XLA_CACHE: machineCode },
    // Tests wait for other processes much of their time.
    maxWorkers: availableParallelism() + 2,
  },
});

/** The tests among the files of a pattern. */
function testsIn(pattern: string): string {
  return pattern.endsWith('/**') ? `${pattern}/*.test.ts` : pattern;
}
