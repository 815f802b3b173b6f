import { createS3ObjectStore, findNewestManifest, readLedger } from '@berth/checkpoint';
import { BerthError, type LedgerEntry, type Logger, type Services } from '@berth/contracts';
import { readDatasetManifest } from '@berth/data';
import {
  connectRedis,
  createExampleIndex,
  createLedger,
  createRuns,
  verifyLedger,
  type LedgerReport,
} from '@berth/queue';

/** What a run's ledger and its newest checkpoint prove. */
export type LedgerInspection = LedgerReport & {
  readonly head: string | null;
  readonly checkpointStep: number | null;
  readonly weightsDigest: string | null;
  /** Views under which steps were committed: 1 in an undisturbed run. */
  readonly attempts: number;
};

/**
 * Checks that every example was used exactly once, in order, and that the newest checkpoint belongs to this ledger.
 * @throws BerthError `RUN_NOT_FOUND`
 */
export async function inspectLedger(
  { redisUrl, s3 }: Services,
  runId: string,
  logger: Logger,
): Promise<LedgerInspection> {
  const connection = await connectRedis(redisUrl, { role: 'producer', logger });
  const store = createS3ObjectStore(s3, logger);
  try {
    const record = await createRuns(connection).read(runId);
    if (record === undefined) throw new BerthError('RUN_NOT_FOUND', `There is no run "${runId}"`);
    const ledger = createLedger(connection, runId);
    const entries = await ledger.entries(0, await ledger.numCommitted());
    const { manifestKey, exampleSetId, config } = record;
    const epochSizes = await sizesOfEpochs(connection, store, manifestKey, exampleSetId, entries);
    const verified = verifyLedger(entries, {
      globalBatch: config.train.globalBatch,
      epochSize: (epoch) => epochSizes.get(epoch),
    });
    const newest = await findNewestManifest(store, runId, { logger });
    const problems = [...verified.problems];
    if (newest !== undefined) {
      const { step, ledgerHead } = newest.manifest;
      const head = entries[step - 1]?.head;
      if (step > 0 && head !== ledgerHead)
        problems.push(
          `checkpoint ${step} has ledger head ${ledgerHead}, the ledger has ${head ?? 'none'}`,
        );
      const stored = await readLedger(store, newest.manifest);
      const differs = stored.findIndex((entry, index) => entry.head !== entries[index]?.head);
      if (differs >= 0)
        problems.push(`step ${differs} differs between the ledger and checkpoint ${step}`);
    }
    return {
      ...verified,
      problems,
      ok: problems.length === 0,
      head: entries.at(-1)?.head ?? null,
      checkpointStep: newest?.manifest.step ?? null,
      weightsDigest: newest?.manifest.weightsDigest ?? null,
      attempts: new Set(entries.map((entry) => entry.viewVersion)).size,
    };
  } finally {
    connection.close();
    store.close();
  }
}

/** Examples of each epoch that the ledger names, from the index of example shards. */
async function sizesOfEpochs(
  connection: Awaited<ReturnType<typeof connectRedis>>,
  store: ReturnType<typeof createS3ObjectStore>,
  manifestKey: string | null,
  exampleSetId: string | null,
  entries: readonly LedgerEntry[],
): Promise<ReadonlyMap<number, number>> {
  const sizes = new Map<number, number>();
  if (manifestKey === null || exampleSetId === null) return sizes;
  const { train } = await readDatasetManifest(store, manifestKey);
  const index = createExampleIndex(connection, exampleSetId);
  for (const epoch of new Set(entries.map((entry) => entry.from.epoch))) {
    const shards = await index.getAll(
      train.map((_, shard) => ({ split: 'train' as const, epoch, shard })),
    );
    if (shards.every((shard) => shard !== undefined))
      sizes.set(
        epoch,
        shards.reduce((sum, shard) => sum + (shard?.numExamples ?? 0), 0),
      );
  }
  return sizes;
}
