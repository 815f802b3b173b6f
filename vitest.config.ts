import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { configDefaults, defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { version as tensorflow } from './tools/setup/pins.mjs';
import { ProcessorTimes } from './tools/vitest/processor-times.ts';

/** Tests of minutes, run by `npm run test:full`. */
const longTests = process.env['BERTH_TEST_FULL'] === '1' ? [] : ['**/*.full.test.ts'];

/** `npm test` has compiled all packages before: tests then take the others as they are shipped, which Node itself loads, in half the time. */
const isBuilt = process.env['BERTH_TEST_BUILT'] === '1';

const conditions = [...(isBuilt ? [] : ['@berth/source']), 'node', 'import', 'default'];

/** What XLA compiles for one test serves the others. */
const machineCode = fileURLToPath(
  new URL(`node_modules/.cache/berth/xla-${tensorflow}`, import.meta.url),
);

const everything = [
  'libs/*/{src,test}/**/*.test.ts',
  'apps/*/{src,test}/**/*.test.ts',
  'tools/**/*.test.ts',
  'bench/src/**/*.test.ts',
  'infra/**/*.test.ts',
];

/** Files that load the TensorFlow addon, which belongs to a process, or change the environment of their own. */
const apart = [
  'libs/graph/**',
  'libs/model/src/blocks/blocks.test.ts',
  'libs/training/src/single-process.test.ts',
  'libs/training/src/testing/**',
  'apps/worker/src/{device,threads}/**',
  'tools/setup/**',
];

/** Files that all start TensorFlow with one thread: a process that has it serves many. */
const alike = ['libs/{model,inference}/**'];

/** Where `npm test` reads how many passed. */
const reportFile = process.env['BERTH_TEST_REPORT'];
const report: ['json', { outputFile: string }][] =
  reportFile === undefined ? [] : [['json', { outputFile: reportFile }]];

const exclude = [...configDefaults.exclude, ...longTests];

/** Files that take long, however short they are: begun last, they would go on alone on one core. Longest first. */
const longest = [
  /chaos\.e2e\.test\.ts$/,
  /train\.e2e\.test\.ts$/,
  /(controls|app-commands|one-worker|preparation)\.e2e\.test\.ts$/,
  /(graph-engine|single-process)\.test\.ts$|\/simulator\//,
  /\.e2e\.test\.ts$/,
];

const projectsInOrder = ['apart', 'alike', 'together'];

/** On a machine that has run no test yet, Vitest takes the largest files for the longest. */
class LongOnesFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const rankOf = ({ project, moduleId }: TestSpecification): number => {
      const rank = longest.findIndex((pattern) => pattern.test(moduleId));
      if (rank >= 0) return rank;
      // A shared process ends where a file of another project comes next.
      return longest.length + projectsInOrder.indexOf(project.name);
    };
    return sorted.sort((a, b) => rankOf(a) - rankOf(b));
  }
}

// A process for each file costs half a second before its first test, so files that do not mind share them.
export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    pool: 'forks',
    ...(isBuilt && { server: { deps: { external: [/\/(libs|apps)\/[^/]+\/dist\//] } } }),
    // Simulated runs make much that soon is garbage: with more room for it they compute a tenth less.
    execArgv: ['--min-semi-space-size=16', '--max-semi-space-size=64'],
    sequence: { sequencer: LongOnesFirst, setupFiles: 'list' },
    reporters: ['default', new ProcessorTimes(), ...report],
    projects: [
      { extends: true, test: { name: 'apart', include: apart.map(testsIn), exclude } },
      {
        extends: true,
        test: {
          name: 'together',
          include: everything,
          exclude: [...exclude, ...apart, ...alike],
          isolate: false,
        },
      },
      {
        extends: true,
        test: {
          name: 'alike',
          include: alike.map(testsIn),
          exclude: [...exclude, ...apart],
          isolate: false,
        },
      },
    ],
    setupFiles: ['processor-time', 'own-temporary-folder'].map(
      (name) => `./libs/testing/src/fixtures/${name}.ts`,
    ),
    // A test that hangs fails late; one that is slow, because the machine is, does not fail.
    testTimeout: 1_800_000,
    hookTimeout: 1_800_000,
    expect: { poll: { timeout: 600_000 } },
    env: { BERTH_XLA_CACHE: machineCode },
    // Tests wait for other processes much of their time; with more at once, all of them take more of the processors.
    maxWorkers: availableParallelism() + 1,
  },
});

/** The tests among the files of a pattern. */
function testsIn(pattern: string): string {
  return pattern.endsWith('/**') ? `${pattern}/*.test.ts` : pattern;
}
