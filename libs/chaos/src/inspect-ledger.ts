import { createS3ObjectStore, findNewestManifest, storedLedger } from '@berth/checkpoint';
import {
  exampleSetsOf,
  phasesOf,
  type Logger,
  type Services,
  type StoredLedger,
} from '@berth/contracts';
import { readDatasetManifest } from '@berth/data';
import { chooseRun, noSuchRun, LedgerVerifier, type LedgerReport } from '@berth/protocol';
import { connectRedis, createExampleIndex, createRuns, openRun, type Ledger } from '@berth/queue';

/** What a run's ledger and its newest checkpoint prove. */
export type LedgerInspection = LedgerReport & {
  readonly runId: string;
  readonly head: string | null;
  readonly checkpointStep: number | null;
  readonly weightsDigest: string | null;
  /** Views under which steps were committed: 1 in an undisturbed run. */
  readonly attempts: number;
};

/**
 * Checks that every example was used exactly once, in order, and that the newest checkpoint belongs to this ledger.
 * @param run - its name, or the beginning of it that no other has
 * @throws BerthError `RUN_NOT_FOUND`
 */
export async function inspectLedger(
  { redisUrl, s3 }: Services,
  run: string,
  logger: Logger,
): Promise<LedgerInspection> {
  const connection = await connectRedis(redisUrl, { role: 'producer', logger });
  const store = createS3ObjectStore(s3, logger);
  try {
    const runs = createRuns(connection);
    const runIds = (await runs.list()).map((known) => known.runId);
    const runId = chooseRun(runIds, run);
    const record = await runs.read(runId);
    if (record === undefined) throw noSuchRun(runIds, run);
    const { ledger } = openRun(connection, runId);
    const numCommitted = await ledger.numCommitted();
    const last = numCommitted > 0 ? await ledger.entry(numCommitted - 1) : undefined;
    const numEpochs = last === undefined ? 0 : last.from.epoch + 1;
    const { manifestKey, config, attempts } = record;
    const sizesOfSets = new Map<string, ReadonlyMap<number, number>>();
    const exampleSets = exampleSetsOf(record);
    for (const exampleSet of new Set(exampleSets))
      sizesOfSets.set(
        exampleSet,
        await sizesOfEpochs(connection, store, manifestKey, exampleSet, numEpochs),
      );
    const phases = phasesOf(config);
    const verifier = new LedgerVerifier({
      phases,
      epochSize(epoch, step) {
        const index = phases.findLastIndex(({ firstStep }) => firstStep <= step);
        return sizesOfSets.get(exampleSets[index] ?? '')?.get(epoch);
      },
    });
    const views = new Set<number>();
    for await (const page of ledger.pages(0, numCommitted)) {
      verifier.add(page);
      for (const entry of page) views.add(entry.viewVersion);
    }
    const verified = verifier.report();
    const newest = await findNewestManifest(store, runId, { attempts, logger });
    const problems = [...verified.problems];
    if (newest !== undefined) {
      const stored = storedLedger(store, newest.manifest);
      const difference = await differenceBetween(ledger, stored);
      if (difference !== undefined) problems.push(difference);
    }
    return {
      runId,
      ...verified,
      problems,
      ok: problems.length === 0,
      head: last?.head ?? null,
      checkpointStep: newest?.manifest.step ?? null,
      weightsDigest: newest?.manifest.weightsDigest ?? null,
      attempts: views.size,
    };
  } finally {
    connection.close();
    store.close();
  }
}

/** Where the ledger differs from a checkpoint's; pages of both in memory. */
async function differenceBetween(
  ledger: Ledger,
  stored: StoredLedger,
): Promise<string | undefined> {
  const { numSteps, head } = stored;
  const known = numSteps > 0 ? (await ledger.entry(numSteps - 1))?.head : undefined;
  if (numSteps > 0 && known !== head)
    return `checkpoint ${numSteps} has ledger head ${head}, the ledger has ${known ?? 'none'}`;
  for await (const page of stored.entries(0)) {
    const first = page[0]?.step ?? 0;
    const others = await ledger.entries(first, first + page.length);
    const differs = page.findIndex((entry, index) => entry.head !== others[index]?.head);
    if (differs >= 0)
      return `step ${first + differs} differs between the ledger and checkpoint ${numSteps}`;
  }
  return undefined;
}

/** Examples of each epoch that the ledger names, from the index of example shards. */
async function sizesOfEpochs(
  connection: Awaited<ReturnType<typeof connectRedis>>,
  store: ReturnType<typeof createS3ObjectStore>,
  manifestKey: string | null,
  exampleSetId: string,
  numEpochs: number,
): Promise<ReadonlyMap<number, number>> {
  const sizes = new Map<number, number>();
  if (manifestKey === null) return sizes;
  const { train } = await readDatasetManifest(store, manifestKey);
  const index = createExampleIndex(connection, exampleSetId);
  for (let epoch = 0; epoch < numEpochs; epoch++) {
    const size = await index.epochSize(epoch, train.length);
    if (size !== undefined) sizes.set(epoch, size);
  }
  return sizes;
}
