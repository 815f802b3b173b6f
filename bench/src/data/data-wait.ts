import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import {
  isFinal,
  modelSizeNames,
  parseRunConfig,
  silentLogger,
  type MetricsLine,
  type RunConfig,
} from '@berth/contracts';
import { startCluster } from '@berth/launch';
import { commonOptions, countOf, oneOf, text } from '../options.ts';
import { summarize, type Summary } from '../summary.ts';
import { writeCorpus } from './corpora.ts';

const help = `Usage: npx berth bench data-wait [options]

Trains on made-up text with a cluster of this machine, whose workers make the examples of later epochs beside, and tells what of
the steps' time is waiting for data.

  --model SIZE   ${modelSizeNames.join(', ')} (default tiny)
  --workers N    default 2
  --mb N         megabytes of text (default 1)
  --seq N        tokens of an example (default 128)
  --batch N      examples of a step (default 64)
  --steps N      default 300
  --turns N      runs, each on a cluster of its own (default 3)
  --folder PATH  where text and clusters lie meanwhile (default the system's for temporary files)
  --json         all figures`;

const { values } = parseArgs({
  options: {
    model: text('tiny'),
    workers: text('2'),
    mb: text('1'),
    seq: text('128'),
    batch: text('64'),
    steps: text('300'),
    turns: text('3'),
    folder: text(tmpdir()),
    ...commonOptions,
  },
});

const phases = ['dataMs', 'computeMs', 'reduceMs', 'commitMs', 'applyMs'] as const;
/** Compiled and waited for before training runs as it will. */
const numFirstSteps = 20;
const lookEveryMs = 500;

interface Turn {
  readonly numSteps: number;
  readonly stepMs: Summary;
  /** Of the time of all steps. */
  readonly shares: Readonly<Record<(typeof phases)[number], number>>;
  /** Of steps that waited longer than a millisecond. */
  readonly waitedRatio: number;
  readonly longestWaitMs: number;
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(resolve(values.folder), 'berth-bench-data-wait-'));
  const turns: Turn[] = [];
  try {
    const corpus = join(folder, 'text');
    const numBytes = countOf('mb', values.mb) * 1e6;
    writeCorpus(corpus, { kind: 'prose', numBytes, seed: 1 });
    for (let turn = 0; turn < countOf('turns', values.turns); turn++)
      turns.push(await train(configOf(corpus), join(folder, `cluster-${turn}`)));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const machine = `${cpus().length} x ${cpus()[0]?.model.trim()}, Node ${process.version}`;
  const waits = summarize(turns.map(({ shares }) => shares.dataMs));
  if (values.json)
    console.log(JSON.stringify({ machine, settings: values, turns, waits }, null, 2));
  else {
    console.log(`${values.model}, ${values.workers} workers; ${machine}`);
    for (const one of turns) console.log(describe(one));
    console.log(`waiting for data: ${percent(waits.median)} of the time of steps, median of turns`);
  }
}

function configOf(path: string): RunConfig {
  const workers = countOf('workers', values.workers);
  const input = {
    name: 'measured',
    corpus: { path },
    vocabulary: { size: 4096 },
    examples: { maxSeqLength: countOf('seq', values.seq) },
    model: { size: oneOf('model', values.model, modelSizeNames) },
    train: {
      numSteps: countOf('steps', values.steps),
      globalBatch: countOf('batch', values.batch),
    },
    cluster: { numWorkers: workers },
  };
  return parseRunConfig(input, 'berth bench data-wait');
}

async function train(config: RunConfig, folder: string): Promise<Turn> {
  const cluster = await startCluster({
    folder,
    numWorkers: config.cluster.numWorkers,
    numThreads: 1,
    env: process.env,
    logger: silentLogger,
    say: () => undefined,
  });
  try {
    let { run } = await cluster.client.submit(config, 'trained');
    while (!isFinal(run.status)) {
      await sleep(lookEveryMs);
      ({ run } = await cluster.client.status(config.name));
    }
    if (run.status !== 'completed')
      throw new Error(`the run ended as ${run.status}: ${run.reason}`);
    const lines = await cluster.client.metrics(config.name);
    const steps = lines.filter(({ kind, step }) => kind === 'step' && step > numFirstSteps);
    return turnOf(steps);
  } finally {
    await cluster.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

function turnOf(steps: readonly MetricsLine[]): Turn {
  const total = steps.reduce((sum, { stepMs = 0 }) => sum + stepMs, 0);
  const shareOf = (phase: (typeof phases)[number]): number =>
    steps.reduce((sum, line) => sum + (line[phase] ?? 0), 0) / total;
  const waits = steps.map(({ dataMs = 0 }) => dataMs);
  return {
    numSteps: steps.length,
    stepMs: summarize(steps.map(({ stepMs = 0 }) => stepMs)),
    shares: Object.fromEntries(phases.map((phase) => [phase, shareOf(phase)])) as Turn['shares'],
    waitedRatio: waits.filter((ms) => ms > 1).length / steps.length,
    longestWaitMs: Math.max(...waits),
  };
}

function describe({ numSteps, stepMs, shares, waitedRatio, longestWaitMs }: Turn): string {
  const { median, low, high } = stepMs;
  const all = phases.map((phase) => `${phase.slice(0, -2)} ${percent(shares[phase])}`).join(', ');
  return (
    `${numSteps} steps of ${median.toFixed(0)} ms (${low.toFixed(0)} to ${high.toFixed(0)}): ${all}; ` +
    `${percent(waitedRatio)} of steps waited, ${longestWaitMs.toFixed(0)} ms at most`
  );
}

function percent(share: number): string {
  return `${(100 * share).toFixed(2)} %`;
}

if (values.help) console.log(help);
else await main();
