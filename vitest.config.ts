import { defineConfig } from 'vitest/config';

const conditions = ['@berth/source', 'node', 'import', 'module', 'default'];

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
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
  },
});
