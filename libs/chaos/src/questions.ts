import { parseArgs } from 'node:util';
import { isBerthError, type LedgerEntry } from '@berth/contracts';
import type { ChaosContext, LongRun } from './long-run.ts';
import { withLongRun } from './long-run.ts';
import { nearest } from './summary.ts';
import { readTrace } from './trace.ts';

const help = `Usage: npx berth bench questions [options]

Trains a small model, and asks its newest checkpoint to fill a mask, again as soon as it has answered, in every second turn:
how much longer steps take meanwhile, loading each new checkpoint included, and how long answers take.

  --turns N           pairs of turns, one in peace and one with questions, in changing order (default 12)
  --turn-seconds N    length of a turn (default 10)
  --workers N         default 2
  --set KEY=VALUE     a setting of the run, such as model.size=mini; may be repeated
  --json              every turn`;

/** Of BERT-tiny, with a thread each worker; what `--set` says comes after. */
const settings = [
  'train.numSteps=1000000',
  'train.engine=graph',
  'train.globalBatch=32',
  'train.virtualRanks=2',
  'model.numLayers=2',
  'model.hiddenSize=128',
  'cluster.numThreads=1',
];
const question = 'the state of the [MASK] is strong';

interface Turn {
  readonly isAsked: boolean;
  readonly numSteps: number;
  /** From step to step, all stalls included. */
  readonly stepMs: number;
}

interface QuestionsReport {
  readonly turns: readonly Turn[];
  /** Of the step times in a turn with questions and in the calm one beside it. */
  readonly ratios: readonly number[];
  readonly answerMs: readonly number[];
  readonly numRefused: number;
}

/** `berth bench questions`: what training loses to questions about its model. */
export async function questions(context: ChaosContext, args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      turns: { type: 'string', default: '12' },
      'turn-seconds': { type: 'string', default: '10' },
      workers: { type: 'string', default: '2' },
      set: { type: 'string', multiple: true, default: [] },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return context.print(help);
  const report = await withLongRun(
    context,
    { numWorkers: Number(values.workers), set: [...settings, ...values.set] },
    (run) =>
      takeTurns(context, run, {
        numPairs: Number(values.turns),
        turnMs: 1_000 * Number(values['turn-seconds']),
      }),
  );
  context.print(values.json ? JSON.stringify(report) : describe(report));
}

async function takeTurns(
  { say }: ChaosContext,
  { testbed, watch }: LongRun,
  { numPairs, turnMs }: { readonly numPairs: number; readonly turnMs: number },
): Promise<QuestionsReport> {
  const { client } = testbed.cluster;
  const answerMs: number[] = [];
  let numRefused = 0;
  const ask = async (): Promise<void> => {
    const startedMs = performance.now();
    try {
      await client.fillMask(watch.record!.runId, question);
      answerMs.push(performance.now() - startedMs);
    } catch (error) {
      if (!isBerthError(error)) throw error;
      numRefused++;
      say(`refused: ${error.message}`);
    }
  };
  /** @returns the steps that were committed meanwhile */
  const takeTurn = async (isAsked: boolean): Promise<readonly [number, number]> => {
    const start = watch.numCommitted;
    const endMs = performance.now() + turnMs;
    while (performance.now() < endMs)
      if (isAsked) await ask();
      else await watch.until(() => performance.now() >= endMs, 'the end of a turn');
    return [start, watch.numCommitted];
  };

  await watch.until(() => watch.numCommitted > numFirstSteps, 'the first checkpoint');
  // Starts the process that answers; it stays until it was not asked for minutes.
  await ask();
  const spans: { readonly isAsked: boolean; readonly span: readonly [number, number] }[] = [];
  for (let pair = 0; pair < numPairs; pair++)
    // What goes by meanwhile, such as other work of the machine, falls on both alike.
    for (const isAsked of pair % 2 === 0 ? [false, true] : [true, false]) {
      spans.push({ isAsked, span: await takeTurn(isAsked) });
      say(`turn ${spans.length} of ${2 * numPairs}, ${isAsked ? 'asked' : 'calm'}`);
    }
  const { entries } = await readTrace(testbed.services, watch.record!.runId);
  const turns = spans.map(({ isAsked, span }) => turnOf(isAsked, entries.slice(...span)));
  return { turns, ratios: ratiosOf(turns), answerMs, numRefused };
}

/** The first of them are slow, and a checkpoint is every hundredth. */
const numFirstSteps = 110;

function turnOf(isAsked: boolean, entries: readonly LedgerEntry[]): Turn {
  const tookMs = entries.at(-1)!.committedAtMs - entries[0]!.committedAtMs;
  return { isAsked, numSteps: entries.length, stepMs: tookMs / (entries.length - 1) };
}

function ratiosOf(turns: readonly Turn[]): number[] {
  return Array.from({ length: turns.length / 2 }, (_, pair) => {
    const both = turns.slice(2 * pair, 2 * pair + 2);
    const of = (isAsked: boolean): number => both.find((turn) => turn.isAsked === isAsked)!.stepMs;
    return of(true) / of(false);
  });
}

function describe({ turns, ratios, answerMs, numRefused }: QuestionsReport): string {
  const at = (values: readonly number[], ratio: number): number =>
    nearest(
      [...values].sort((a, b) => a - b),
      ratio,
    ) ?? Number.NaN;
  const stepMs = (isAsked: boolean): string =>
    at(
      turns.filter((turn) => turn.isAsked === isAsked).map((turn) => turn.stepMs),
      0.5,
    ).toFixed(1);
  const [low, median, high] = [0.25, 0.5, 0.75].map((ratio) => at(ratios, ratio).toFixed(3));
  return [
    `step in peace    ${stepMs(false)} ms`,
    `while asked      ${stepMs(true)} ms`,
    `ratio            ${median}, middle half ${low} to ${high}, over ${ratios.length} pairs of turns`,
    `answers          ${answerMs.length}, after p50 ${at(answerMs, 0.5).toFixed(0)} ms, p99 ${at(answerMs, 0.99).toFixed(0)} ms; ${numRefused} refused`,
  ].join('\n');
}
