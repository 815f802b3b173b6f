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

// Forks: the TensorFlow addon and its tensor registry are per process.
export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    pool: 'forks',
    include: [
      'libs/*/{src,test}/**/*.test.ts',
      'apps/*/{src,test}/**/*.test.ts',
      'tools/**/*.test.ts',
    ],
    setupFiles: ['./libs/testing/src/fixtures/own-temporary-folder.ts'],
    exclude: [...configDefaults.exclude, ...longTests],
    // A test that hangs fails late; one that is slow, because the machine is, does not fail.
    testTimeout: 600_000,
    hookTimeout: 600_000,
    env: { BERTH_XLA_CACHE: machineCode },
    maxWorkers: 2,
  },
});
