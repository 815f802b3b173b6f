import { createS3ObjectStore } from '@berth/checkpoint';
import {
  BerthError,
  exampleSetsOf,
  phaseAt,
  type Cursor,
  type LedgerEntry,
  type Logger,
  type RunRecord,
  type Services,
  type ShownExample,
} from '@berth/contracts';
import {
  exampleSetIdOf,
  isLabelled,
  readAnyDataset,
  replayExamples,
  replayLabelled,
  type Replay,
} from '@berth/data';
import { chooseRun, noSuchRun } from '@berth/protocol';
import { connectRedis, createRuns } from '@berth/queue';
import { committedSteps, type RunStores } from './committed-steps.ts';
import { examplesOfPhase } from './examples-of-phase.ts';

/** An example of a step, and who computed on it. */
export interface StepExample extends ShownExample {
  readonly virtualRank: number;
}

/** What a committed step was trained on. */
export interface StepReplay {
  readonly runId: string;
  /** Counted from 0. */
  readonly step: number;
  readonly datasetId: string;
  readonly exampleSetId: string;
  readonly from: Cursor;
  readonly to: Cursor;
  readonly gradientDigest: string;
  /** In the order of the step. */
  readonly examples: readonly StepExample[];
  /** Its sums that follow from the examples; those of the ledger are the same. */
  readonly sums: Readonly<Record<string, number>>;
}

export interface ReplayStepOptions {
  readonly logger: Logger;
  /** Told of each shard of examples that is made again. */
  readonly onShard?: (epoch: number, shard: number) => void;
}

/**
 * Makes the examples of a committed step again, from the ledger and the dataset, and proves them to be those that the ledger
 * speaks of: the same example set, the same cursors, the same sums.
 * @param run - its name, or the beginning of it that no other has
 * @throws BerthError `RUN_NOT_FOUND`; `STEP_NOT_COMMITTED`; `LEDGER_INVALID` when what was made is not what the step says; and as
 * `replayExamples`
 */
export async function replayStep(
  { redisUrl, s3 }: Services,
  run: string,
  step: number,
  { logger, onShard }: ReplayStepOptions,
): Promise<StepReplay> {
  const connection = await connectRedis(redisUrl, { role: 'producer', logger });
  const store = createS3ObjectStore(s3, logger);
  try {
    const runs = createRuns(connection);
    const runIds = (await runs.list()).map((known) => known.runId);
    const runId = chooseRun(runIds, run);
    const record = await runs.read(runId);
    if (record === undefined) throw noSuchRun(runIds, run);
    const options = { connection, store, logger };
    const entry = await (await committedSteps(options, record)).entry(step);
    const { datasetId, exampleSetId, replay } = await replayEntry(options, record, entry, onShard);
    requireSame(runId, entry, replay);
    const { virtualRanks } = record.config.train;
    const rankSize = entry.numExamples / virtualRanks;
    const examples = replay.examples.map((example, index) => ({
      virtualRank: Math.floor(index / rankSize),
      ...example,
    }));
    const { from, to, gradientDigest } = entry;
    const { sums } = replay;
    return { runId, step, datasetId, exampleSetId, from, to, gradientDigest, examples, sums };
  } finally {
    connection.close();
    store.close();
  }
}

async function replayEntry(
  { connection, store }: RunStores,
  record: RunRecord,
  { step, from, numExamples }: LedgerEntry,
  onShard: ReplayStepOptions['onShard'],
): Promise<{ datasetId: string; exampleSetId: string; replay: Replay }> {
  const { runId, manifestKey, config, exampleFormat } = record;
  const phase = phaseAt(config, step);
  const exampleSetId = exampleSetsOf(record)[phase.index];
  if (manifestKey === null || exampleSetId === undefined)
    throw new BerthError('INTERNAL', `Run ${runId} has trained without a dataset`);
  const manifest = await readAnyDataset(store, manifestKey);
  const { datasetId } = manifest;
  const { seed, examples } = config;
  if (isLabelled(manifest)) {
    const windowShards = examples.shuffleWindowShards;
    const options = { store, dataset: manifest, seed, windowShards };
    return { datasetId, exampleSetId, replay: await replayLabelled(options, from, numExamples) };
  }
  const made = exampleSetIdOf(datasetId, phase.examples, seed, exampleFormat);
  if (made !== exampleSetId)
    throw new BerthError(
      'LEDGER_INVALID',
      `Run "${runId}" has example set ${exampleSetId}, and its dataset and settings give ${made}`,
    );
  const replay = await replayExamples(
    {
      store,
      manifest,
      ...examplesOfPhase(connection, record, manifestKey, phase),
      ...(onShard && { onShard }),
    },
    from,
    numExamples,
  );
  return { datasetId, exampleSetId, replay };
}

/** @throws BerthError `LEDGER_INVALID` when these are not the examples of the step */
function requireSame(runId: string, { step, to, sums }: LedgerEntry, replay: Replay): void {
  const { next } = replay;
  const problem =
    next.epoch !== to.epoch || next.index !== to.index
      ? `they end at example ${next.index} of epoch ${next.epoch}, the ledger says ${to.index} of epoch ${to.epoch}`
      : differentSum(replay.sums, sums);
  if (problem === undefined) return;
  throw new BerthError(
    'LEDGER_INVALID',
    `What was made again for step ${step} of run "${runId}" is not what it was trained on: ${problem}`,
    { details: { runId, step } },
  );
}

/** Counts are exact in the ledger; weights of labels are summed in another order there. */
function differentSum(
  made: Readonly<Record<string, number>>,
  ledger: Readonly<Record<string, number>>,
): string | undefined {
  for (const [name, value] of Object.entries(made)) {
    const stored = ledger[name];
    if (stored === undefined) continue;
    const slack = Number.isInteger(value) ? 0 : 1e-4 * Math.abs(value);
    if (Math.abs(stored - value) > slack) return `${name} is ${value}, the ledger says ${stored}`;
  }
  return undefined;
}
