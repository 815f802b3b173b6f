import { once } from 'node:events';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describeNetwork, parseRunConfig } from '@berth/contracts';
import { createHosts } from '@berth/faults';
import { seconds, table } from '../../test-compose/report.mjs';
import { smallRun, textOf } from '../small-run.mjs';
import { linkMbitPerS, startCluster } from './cluster.mjs';
import { inflict, scenarios } from './scenarios.mjs';

/** Runs in a network of its own; `index.mjs` starts it. */

const root = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));
const corpusFolder = textOf(root);
const network = { numHosts: 5, bitsPerSecond: linkMbitPerS * 1e6, delayMs: 10 };
const stormy = 'hosts';
const calm = 'calm';

const startMs = performance.now();
const say = (line) => console.log(`${seconds(performance.now() - startMs).padStart(7)}  ${line}`);

process.stdin.on('end', () => process.exit(1)).resume();
const [, , folder = ''] = process.argv;
try {
  process.exitCode = (await drive()) ? 0 : 1;
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
// Whatever still runs ends with this process.
process.exit();

async function drive() {
  const hosts = await createHosts(network);
  const cluster = await startCluster({ root, folder, address: hosts.center.address });
  const [first, ...rest] = hosts.hosts.slice(0, 4);
  const workers = new Map([[first.name, await cluster.startWorker(first)]]);
  // The text lies on one host only.
  for (const host of rest)
    workers.set(host.name, await cluster.startWorker(host, { unseen: corpusFolder }));
  await cluster.client.submit(runConfig(stormy, 1_000_000), 'trained');
  await cluster.until(stormy, 'first step', ({ step }) => step > 0, 600_000);
  say('four hosts train, of which one has the text');

  const outcomes = [];
  for (const scenario of scenarios) {
    const outcome = await inflict(scenario, { cluster, hosts, workers, run: stormy });
    say(`${scenario.name}: stood still for ${seconds(outcome.pauseMs)} at most`);
    outcomes.push(outcome);
  }
  const { network: allowed } = await cluster.until(
    stormy,
    'what the network allows',
    ({ network }) => typeof network?.lowest?.ms === 'number',
  );
  say(describeNetwork(allowed));
  await cluster.client.control(stormy, 'stop');
  await cluster.until(stormy, 'stop', ({ run }) => run.status === 'stopped');
  const disturbed = await cluster.ledger(stormy);
  const entries = await cluster.entries(stormy);
  await Promise.all([...workers.values()].map(killed));

  say(`calm: one worker, no network, ${disturbed.checkpointStep} steps`);
  const alone = { ...hosts.center, command: (program, args) => [program, [...args]] };
  const worker = await cluster.startWorker(alone);
  await cluster.client.submit(runConfig(calm, disturbed.checkpointStep), 'trained');
  await cluster.until(calm, 'calm run', ({ run }) => run.status === 'completed', 300_000);
  const undisturbed = await cluster.ledger(calm);
  const expected = await cluster.entries(calm);
  await killed(worker);
  return report({ outcomes, entries, expected, disturbed, undisturbed });
}

function report({ outcomes, entries, expected, disturbed, undisturbed }) {
  const isSame = (step) => entries[step]?.gradientDigest === expected[step]?.gradientDigest;
  const rows = outcomes.map(({ name, fromStep, toStep, stepMs, pauseMs }) => {
    const steps = Array.from({ length: toStep - fromStep }, (_, index) => fromStep + index);
    const same = steps.every(isSame) ? 'equal' : 'NOT EQUAL';
    return [name, `${fromStep}-${toStep}`, `${Math.round(stepMs)} ms`, seconds(pauseMs), same];
  });
  const head = ['scenario', 'steps', 'a step', 'longest standstill', 'digest of every step'];
  console.log(table([head, ...rows]));
  console.log(`on hosts  ${disturbed.weightsDigest} after ${disturbed.checkpointStep} steps`);
  console.log(`calm      ${undisturbed.weightsDigest} after ${undisturbed.checkpointStep} steps`);
  const problem = disturbed.problems[0] ?? undisturbed.problems[0];
  console.log(`ledger    ${problem ?? `${disturbed.numExamples} examples: 0 lost, 0 double`}`);
  const equal =
    disturbed.weightsDigest !== null && disturbed.weightsDigest === undisturbed.weightsDigest;
  return equal && disturbed.ok && undisturbed.ok && rows.every((row) => row.at(-1) === 'equal');
}

async function killed(worker) {
  if (worker.exitCode !== null || worker.signalCode !== null) return;
  const exit = once(worker, 'exit');
  worker.kill('SIGKILL');
  await exit;
}

function runConfig(name, numSteps) {
  // Compiling takes minutes where other work is.
  const train = {
    engine: 'eager',
    numSteps,
    globalBatch: 16,
    virtualRanks: 8,
    checkpointEverySteps: 50,
  };
  const file = { ...smallRun(name, corpusFolder, train), cluster: { numWorkers: 4 } };
  return parseRunConfig(file, 'test:engines hosts');
}
