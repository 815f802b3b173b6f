import { isDamage, listCheckpoints, readManifest } from '@berth/checkpoint';
import {
  corpusPartsOf,
  exampleSetsOf,
  phasesOf,
  type Logger,
  type ObjectStore,
  type RunRecord,
} from '@berth/contracts';
import {
  epochShardsOf,
  exampleSetPrefix,
  readDatasetManifest,
  trainEpochOfKey,
  type EpochShards,
} from '@berth/data';
import { createExampleIndex, type RedisConnection } from '@berth/queue';
import { unneededEpochs, type EpochNeeds } from './unneeded-epochs.ts';

export interface CleaningOptions {
  readonly connection: RedisConnection;
  readonly store: ObjectStore;
  readonly logger: Logger;
  /** Asked before every deletion: false once this coordinator may no longer lead. */
  readonly mayDelete: () => boolean;
}

/** Objects deleted in one go; the rest waits for the next. */
const maxDeletions = 500;

/**
 * Deletes the example shards of epochs that no checkpoint of any run needs. The index forgets them first: should somebody
 * go back that far after all, they are made again.
 * @param records - of all runs that there are
 * @throws what Redis and the store throw
 */
export async function cleanExamples(
  { connection, store, logger, mayDelete }: CleaningOptions,
  exampleSetId: string,
  records: readonly RunRecord[],
): Promise<void> {
  const shards = (await store.list(exampleSetPrefix(exampleSetId))).map(({ key }) => ({
    key,
    epoch: trainEpochOfKey(exampleSetId, key),
  }));
  const stored = new Set(shards.flatMap(({ epoch }) => epoch ?? []));
  if (stored.size < 2) return;
  const sharing = records.filter((record) => exampleSetsOf(record).includes(exampleSetId));
  const needs = await Promise.all(sharing.map((record) => needsOf(store, record)));
  const index = createExampleIndex(connection, exampleSetId);
  const unneeded = unneededEpochs([...stored], needs);
  if (unneeded.length === 0 || sharing[0] === undefined) return;
  const shardsOf = await shardsOfSet(store, sharing[0], exampleSetId);
  let numDeleted = 0;
  for (const epoch of unneeded) {
    if (numDeleted >= maxDeletions || !mayDelete()) return;
    await index.forgetEpoch(epoch, [...shardsOf(epoch)]);
    for (const { key } of shards.filter((shard) => shard.epoch === epoch)) {
      if (!mayDelete()) return;
      await store.delete(key);
      numDeleted++;
    }
    logger.info('Deleted the examples of an epoch', { exampleSetId, epoch });
  }
}

/** The shards of an example set's epochs, by one of the runs that read it. */
async function shardsOfSet(
  store: ObjectStore,
  record: RunRecord,
  exampleSetId: string,
): Promise<EpochShards> {
  const { manifestKey, config } = record;
  const { examples } = phasesOf(config)[exampleSetsOf(record).indexOf(exampleSetId)]!;
  if (examples.corpusWeights === undefined || manifestKey === null) {
    const numParts = config.corpus === undefined ? 1 : corpusPartsOf(config.corpus).length;
    const numShards = examples.numShards * numParts;
    return () => Uint32Array.from({ length: numShards }, (_, shard) => shard);
  }
  const manifest = await readDatasetManifest(store, manifestKey);
  return epochShardsOf({ ...manifest, ...examples, seed: config.seed });
}

async function needsOf(store: ObjectStore, record: RunRecord): Promise<EpochNeeds> {
  const { runId, attempts, status, config } = record;
  const steps = new Map<number, string>();
  for (const { step, manifestKey } of await listCheckpoints(store, runId, attempts))
    steps.set(step, manifestKey);
  const epochs: number[] = [];
  for (const manifestKey of steps.values())
    try {
      epochs.push((await readManifest(store, manifestKey)).cursor.epoch);
    } catch (error) {
      // Nobody can go back to it.
      if (!isDamage(error)) throw error;
    }
  const rolling = epochs.slice(-config.train.keepLast);
  return {
    fromEpoch: status === 'completed' ? undefined : (rolling[0] ?? 0),
    resumableEpochs: epochs,
  };
}
