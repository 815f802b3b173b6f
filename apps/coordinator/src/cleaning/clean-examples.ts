import { isDamage, listCheckpoints, readManifest } from '@berth/checkpoint';
import {
  BerthError,
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
  /** By the key of a checkpoint's manifest the epoch that it is in: read once, since it never changes. */
  readonly epochs: Map<string, number>;
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
  options: CleaningOptions,
  exampleSetId: string,
  records: readonly RunRecord[],
): Promise<void> {
  const { connection, store, logger, mayDelete } = options;
  const shards = (await store.list(exampleSetPrefix(exampleSetId))).map(({ key }) => ({
    key,
    epoch: trainEpochOfKey(exampleSetId, key),
  }));
  const stored = new Set(shards.flatMap(({ epoch }) => epoch ?? []));
  if (stored.size < 2) return;
  const sharing = records.filter((record) => exampleSetsOf(record).includes(exampleSetId));
  const needs = await Promise.all(sharing.map((record) => needsOf(options, record)));
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
  const { runId, manifestKey, config } = record;
  if (manifestKey === null)
    throw new BerthError('INTERNAL', `Run ${runId} has examples without a dataset`);
  const { examples } = phasesOf(config)[exampleSetsOf(record).indexOf(exampleSetId)]!;
  const manifest = await readDatasetManifest(store, manifestKey);
  return epochShardsOf({ ...manifest, ...examples, seed: config.seed });
}

async function needsOf(
  { store, epochs: known }: CleaningOptions,
  { runId, attempts, status }: RunRecord,
): Promise<EpochNeeds> {
  const manifestKeys = new Map<number, string>();
  for (const { step, manifestKey } of await listCheckpoints(store, runId, attempts))
    manifestKeys.set(step, manifestKey);
  const epochs: number[] = [];
  for (const manifestKey of manifestKeys.values())
    try {
      const epoch = known.get(manifestKey) ?? (await readManifest(store, manifestKey)).cursor.epoch;
      known.set(manifestKey, epoch);
      epochs.push(epoch);
    } catch (error) {
      // Nobody can go back to it.
      if (!isDamage(error)) throw error;
    }
  return {
    // To make examples takes a small part of the time that it takes to train on them again, as after an older checkpoint.
    fromEpoch: status === 'completed' ? undefined : (epochs.at(-1) ?? 0),
    resumableEpochs: epochs,
  };
}
