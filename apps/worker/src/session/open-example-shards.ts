import {
  errorToWire,
  exampleSetsOf,
  heldOutShardsOf,
  type AnyDataset,
  type RunRecord,
} from '@berth/contracts';
import { createScratch, isLabelled, type StoredTaskExamples } from '@berth/data';
import { createExampleIndex } from '@berth/queue';
import { createByteGate } from './byte-gate.ts';
import { createExampleShards, type ExampleShards } from './example-shards.ts';
import type { RunSessionPorts } from './open-member.ts';

/** Longest wait for a shard to be made. */
export const shardTimeoutMs = 300_000;
/** Of a run's open shards, all in memory while they are this small together; of larger ones there is where each example lies. */
const heldBytes = 64 * 2 ** 20;
/** Of shards on their way from the bucket. */
const comingBytes = 64 * 2 ** 20;

export type ExampleShardsSource = Pick<
  RunSessionPorts,
  'connection' | 'store' | 'scratchFolder' | 'logger'
> & { readonly signal: AbortSignal };

export interface ExampleShardsRequest {
  readonly record: RunRecord;
  readonly dataset: AnyDataset;
  readonly format: StoredTaskExamples;
}

/** The example shards of each phase of a run, in bounded memory whatever their size; phases of the same examples share them. */
export function openExampleShards(
  { connection, store, scratchFolder, logger, signal }: ExampleShardsSource,
  { record, dataset, format }: ExampleShardsRequest,
): readonly ExampleShards[] {
  // The window in use, the one after it, and those held out.
  const numKept = 2 * record.config.examples.shuffleWindowShards + 2;
  const shared = {
    format,
    areSameEachEpoch: isLabelled(dataset),
    numHeldOutShards: isLabelled(dataset) ? 1 : heldOutShardsOf(dataset).length,
    store,
    timeoutMs: shardTimeoutMs,
    numKept,
    keep: createScratch({
      folder: scratchFolder,
      thresholdBytes: heldBytes / numKept,
      onTrouble: (error) =>
        logger.warn('Examples stay in memory that should be in a file', {
          error: errorToWire(error),
        }),
    }),
    gate: createByteGate(comingBytes),
    signal,
    logger,
  };
  const bySet = new Map<string, ExampleShards>();
  return exampleSetsOf(record).map((exampleSet) => {
    const known =
      bySet.get(exampleSet) ??
      createExampleShards({ ...shared, index: createExampleIndex(connection, exampleSet) });
    bySet.set(exampleSet, known);
    return known;
  });
}
