#!/usr/bin/env node
import { createServer } from 'node:net';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createCluster } from './cluster.mjs';
import { must } from './command.mjs';
import { findCompose, findEngine } from './engine.mjs';
import { faults, inflict } from './faults.mjs';
import { checkHoldNoTests, ownImages, sizeOf } from './images.mjs';
import { megabytes, seconds, table } from './report.mjs';
import { ensureBaseImages } from './stand-ins.mjs';

const help = `Usage: npm run test:compose [-- options]

Builds berth's images, trains a small model in containers through faults (every container killed, scaled, taken down and
up), stops it, trains as many steps again undisturbed, and compares the weights. Exit code 0: equal; 1: not; 6: no Docker
engine or Compose can be had.

  --no-build    use the images that are there
  --keep        leave the disturbed cluster running
  --help        this text

DOCKER_COMPOSE names a program of Compose 2 where \`docker compose\` is not installed. Where no registry can be reached, base
images are made from Debian's (debootstrap), npm's and Go's packages; DEBIAN_MIRROR names a mirror.`;

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const runName = 'compose-test';
const baseImage = 'node:24-bookworm-slim';
const exitCodeOfMissing = 6;
const say = (line) => console.error(line);

const { values: options } = parseArgs({
  options: {
    'no-build': { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

if (options.help) console.log(help);
else process.exitCode = await main();

async function main() {
  const engine = await findEngine(say);
  if ('missing' in engine) return giveUp(engine.missing);
  const folder = await mkdtemp(join(tmpdir(), 'berth-compose-'));
  try {
    const compose = await findCompose();
    if (compose === undefined)
      return giveUp('Docker Compose 2 is not installed (docker compose version)');
    return (await test(compose, folder)) ? 0 : 1;
  } catch (error) {
    say(`test:compose: ${error.message}`);
    return 1;
  } finally {
    await rm(folder, { recursive: true, force: true });
    await engine.stop();
  }
}

function giveUp(why) {
  say(`test:compose: not run: ${why}`);
  return exitCodeOfMissing;
}

/** @returns {Promise<boolean>} whether the weights are equal */
async function test(compose, folder) {
  const env = { BERTH_PORT: String(await freePort()), BERTH_CONFIGS: folder };
  const clusterOf = async (name, numSteps) => {
    await writeFile(join(folder, `${name}.json`), JSON.stringify(runFile(numSteps)));
    const named = { ...env, BERTH_RUN: `configs/${name}.json` };
    return createCluster({ compose, root, folder, project: `berth-test-${name}`, env: named });
  };
  await must('chmod', ['755', folder]);
  await must(process.execPath, [join(root, 'apps/cli/bin/berth.js'), 'init', '--folder', folder]);
  const stormy = await clusterOf('stormy', 1_000_000);
  await stormy.prepare();
  const standIns = await ensureBaseImages(say);
  if (!options['no-build']) await stormy.build();
  await checkHoldNoTests();

  const disturbed = await withCluster(stormy, async (firstStepMs) => {
    const outcomes = [];
    for (const fault of faults) {
      const outcome = await inflict(fault, stormy, runName);
      say(`${fault.name}: ${seconds(outcome.pauseMs)}`);
      outcomes.push(outcome);
    }
    await stormy.stop(runName);
    return { outcomes, firstStepMs, ...(await stormy.ledger(runName)) };
  });
  say(`stopped at step ${disturbed.checkpointStep}: ${disturbed.weightsDigest}`);
  const undisturbed = await withCluster(
    await clusterOf('calm', disturbed.checkpointStep),
    async (_firstStepMs, calm) => {
      await calm.until(runName, ({ status }) => status === 'completed', 'undisturbed', 900_000);
      return calm.ledger(runName);
    },
  );
  return report(undisturbed, disturbed, standIns);
}

/** Brings a cluster up on empty volumes, for as long as `use` takes. */
async function withCluster(cluster, use) {
  await cluster.down(['--volumes']);
  try {
    const startMs = performance.now();
    await cluster.up();
    await cluster.until(runName, ({ step }) => step > 0, 'first step');
    return await use(performance.now() - startMs, cluster);
  } finally {
    if (!options.keep) await cluster.down(['--volumes']).catch((error) => say(error.message));
  }
}

async function report(undisturbed, disturbed, standIns) {
  const equal =
    undisturbed.weightsDigest !== null && undisturbed.weightsDigest === disturbed.weightsDigest;
  const rows = disturbed.outcomes.map(({ name, fromStep, actMs, pauseMs }) => [
    name,
    String(fromStep),
    seconds(actMs),
    seconds(pauseMs),
    equal ? 'equal' : 'NOT EQUAL',
  ]);
  console.log(table([['fault', 'at step', 'command', 'longest pause', 'sha256'], ...rows]));
  const steps = `${disturbed.checkpointStep} steps`;
  console.log(`disturbed       ${disturbed.weightsDigest} after ${steps}`);
  console.log(`undisturbed     ${undisturbed.weightsDigest}`);
  console.log(
    `ledger          ${disturbed.ok ? 'every example exactly once' : disturbed.problems[0]}`,
  );
  console.log(`up to 1st step  ${seconds(disturbed.firstStepMs)}, without pulls and builds`);
  const base = megabytes(await sizeOf(baseImage));
  for (const image of ownImages) {
    const size = megabytes(await sizeOf(image));
    console.log(`image           ${image} ${size}, of which ${base} are ${baseImage}`);
  }
  for (const image of standIns) console.log(`stand-in        ${image}: not the published image`);
  return equal && disturbed.ok;
}

/** A very small model with many short steps: what is tested is the cluster. Its weights do not depend on `numSteps`. */
function runFile(numSteps) {
  return {
    name: runName,
    seed: 4711,
    corpus: { path: '../corpus/sotu.jsonl.gz' },
    vocabulary: { size: 2048 },
    examples: { maxSeqLength: 32, maxPredictions: 5 },
    model: { size: 'tiny', numLayers: 1, hiddenSize: 32, maxPositions: 32 },
    optimizer: { schedule: 'constant' },
    train: {
      numSteps,
      globalBatch: 16,
      virtualRanks: 8,
      checkpointEverySteps: 25,
      numEvalExamples: 32,
    },
  };
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}
