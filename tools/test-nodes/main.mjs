#!/usr/bin/env node
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { cacheFolder, exists, installFolder } from '../setup/cache.mjs';
import { must } from '../test-compose/command.mjs';

/** The oldest release that berth runs on, and one of each line since; Docker images have 24. */
const releases = ['20.19.0', '20.20.2', '22.23.5', '24.22.3', '26.12.1'];

const help = `Usage: npm run test:nodes [-- options]

On each of several Node releases, which come from npm: the setup, the tests that share a process (all but those of
TensorFlow, of the command line and of whole clusters), and a run of 30 steps with two workers. Exit code 0: every test
passed and every run ended with the same weights.

  --only=LIST   of these releases: ${releases.join(', ')}
  --runs-only   no tests, only the run
  --help        this text`;

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

const config = {
  name: 'nodes',
  seed: 7,
  corpus: { path: join(root, 'libs/data/test/golden/excerpt.txt'), heldOutRatio: 0.1 },
  vocabulary: { size: 1000 },
  examples: { maxSeqLength: 32, maxPredictions: 5, numShards: 4, shuffleWindowShards: 2 },
  model: { size: 'tiny', numLayers: 1, hiddenSize: 32, numHeads: 2, maxPositions: 32 },
  optimizer: { learningRate: 1e-3, numWarmupSteps: 5 },
  train: { numSteps: 30, globalBatch: 8, virtualRanks: 4, numEvalExamples: 16 },
  cluster: { numWorkers: 2 },
};

const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    'runs-only': { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

if (options.help) console.log(help);
else process.exitCode = await main(options.only?.split(',') ?? releases);

/** @param {readonly string[]} versions */
async function main(versions) {
  const digests = new Map();
  let numFailed = 0;
  for (const version of versions) {
    try {
      const node = await installNode(version);
      await must(node, [join(root, 'tools/setup/main.mjs')], inherited(node));
      const tests = options['runs-only'] ? 'no tests' : await runTests(node);
      digests.set(version, await train(node));
      console.log(`Node ${version}: ${tests}; weights ${digests.get(version)}`);
    } catch (error) {
      numFailed++;
      console.log(`Node ${version}: FAILED\n${error.message}`);
    }
  }
  const areSame = new Set(digests.values()).size <= 1;
  if (!areSame) console.log('The weights differ.');
  return numFailed === 0 && areSame ? 0 : 1;
}

/** Packages of npm carry the binaries. Returns the path of the program. */
async function installNode(version) {
  const name = `node-linux-${process.arch}`;
  const folder = join(cacheFolder(), `node-${version}`);
  if (!(await exists(folder))) {
    await mkdir(cacheFolder(), { recursive: true });
    await installFolder(folder, async (temporary) => {
      const flags = ['--no-save', '--ignore-scripts', '--no-audit', '--no-fund'];
      await must('npm', ['install', '--prefix', temporary, ...flags, `${name}@${version}`]);
      return join(temporary, 'node_modules', name);
    });
  }
  return join(folder, 'bin/node');
}

/** What a process of this Node inherits: programs that it starts by name are of it too. */
function inherited(node) {
  const env = { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env['PATH'] ?? ''}` };
  return { cwd: root, env, timeoutMs: 120 * 60_000 };
}

async function runTests(node) {
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  const output = await must(
    node,
    [vitest, 'run', '--project=together', '--reporter=dot'],
    inherited(node),
  );
  return output.match(/Tests\s+(.*)/)?.[1] ?? 'tests passed';
}

/** Trains in a new folder; returns the digest of the weights. */
async function train(node) {
  const folder = await mkdtemp(join(tmpdir(), 'berth-nodes-'));
  const berth = (...args) =>
    must(node, [join(root, 'apps/cli/bin/berth.js'), ...args], { ...inherited(node), cwd: folder });
  try {
    await writeFile(join(folder, 'run.yaml'), JSON.stringify(config));
    await berth('train', 'run.yaml');
    const ledger = JSON.parse(await berth('ledger', 'verify', config.name, '--json'));
    if (!ledger.ok) throw new Error(`The ledger is not right: ${JSON.stringify(ledger)}`);
    return ledger.weightsDigest;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
