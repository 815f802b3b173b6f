import { configDefaults, defineConfig } from 'vitest/config';

/** Tests of minutes, run by `npm run test:full`. */
const longTests = process.env['BERTH_TEST_FULL'] === '1' ? [] : ['**/*.full.test.ts'];

const conditions = ['@berth/source', 'node', 'import', 'default'];

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
    exclude: [...configDefaults.exclude, ...longTests],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
  },
});
