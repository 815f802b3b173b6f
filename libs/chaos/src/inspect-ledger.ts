import { createS3ObjectStore, findNewestManifest, storedLedger } from '@berth/checkpoint';
import {
  exampleSetsOf,
  phasesOf,
  type Logger,
  type Services,
  type StoredLedger,
} from '@berth/contracts';
import { epochShardsOf, isLabelled, readAnyDataset, type EpochShards } from '@berth/data';
import { chooseRun, noSuchRun, LedgerVerifier, type LedgerReport } from '@berth/protocol';
import { connectRedis, createExampleIndex, createRuns, openRun, type Ledger } from '@berth/queue';
import { addEngines, type EngineSpan } from './engine-spans.ts';

/** What a run's ledger and its newest checkpoint prove. */
export type LedgerInspection = LedgerReport & {
  readonly runId: string;
  readonly head: string | null;
  readonly checkpointStep: number | null;
  readonly weightsDigest: string | null;
  /** Views under which steps were committed: 1 in an undisturbed run. */
  readonly attempts: number;
  /** What started the workers that computed which steps, in order. */
  readonly engines: readonly EngineSpan[];
  /** Where the ledger was read: in the bucket, with the newest checkpoint, where Redis has fewer steps than that. */
  readonly readFrom: 'redis' | 'bucket';
  readonly numStepsInRedis: number;
  /** False where the end of an epoch is taken from the ledger, because Redis has lost how many examples it has. */
  readonly areEpochSizesKnown: boolean;
};

/**
 * Checks that every example was used exactly once, in order, and that the newest checkpoint belongs to this ledger. What
 * Redis has lost is read from the newest checkpoint, and what it still has must be the same.
 * @param run - its name, or the beginning of it that no other has
 * @throws BerthError `RUN_NOT_FOUND`, `CHECKPOINT_CORRUPT` when the checkpoint's ledger is damaged
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
    const { manifestKey, config, attempts } = record;
    const newest = await findNewestManifest(store, runId, { attempts, logger });
    const stored = newest && storedLedger(store, newest.manifest);
    const { ledger } = openRun(connection, runId);
    // Counted after the checkpoint was found: what is saved was committed before.
    const numInRedis = await ledger.numCommitted();
    const isLost = newest !== undefined && numInRedis < newest.manifest.step;
    const last = isLost || numInRedis === 0 ? undefined : await ledger.entry(numInRedis - 1);
    const end = isLost ? newest.manifest.cursor : last?.to;
    const numEpochs = end === undefined ? 0 : end.epoch + 1;
    const sizesOfSets = new Map<string, ReadonlyMap<number, number>>();
    const exampleSets = exampleSetsOf(record);
    const phases = phasesOf(config);
    const manifest = manifestKey === null ? undefined : await readAnyDataset(store, manifestKey);
    for (const [index, exampleSet] of exampleSets.entries()) {
      if (manifest === undefined || sizesOfSets.has(exampleSet)) continue;
      if (isLabelled(manifest)) {
        const size = manifest.train.reduce((sum, { numExamples }) => sum + numExamples, 0);
        const epochs = Array.from({ length: numEpochs }, (_, epoch) => [epoch, size] as const);
        sizesOfSets.set(exampleSet, new Map(epochs));
        continue;
      }
      const shardsOf = epochShardsOf({
        train: manifest.train,
        ...phases[index]!.examples,
        seed: config.seed,
      });
      sizesOfSets.set(exampleSet, await sizesOfEpochs(connection, exampleSet, shardsOf, numEpochs));
    }
    const epochSize = (epoch: number, step: number): number | undefined => {
      const index = phases.findLastIndex(({ firstStep }) => firstStep <= step);
      return sizesOfSets.get(exampleSets[index] ?? '')?.get(epoch);
    };
    const verifier = new LedgerVerifier({ phases, epochSize });
    const views = new Set<number>();
    const engines: EngineSpan[] = [];
    let areEpochSizesKnown = true;
    for await (const page of isLost ? stored!.entries(0) : ledger.pages(0, numInRedis)) {
      verifier.add(page);
      addEngines(engines, page);
      for (const { step, from, to, viewVersion } of page) {
        views.add(viewVersion);
        for (let { epoch } = from; areEpochSizesKnown && epoch < to.epoch; epoch++)
          areEpochSizesKnown = epochSize(epoch, step) !== undefined;
      }
    }
    const verified = verifier.report();
    const problems = [...verified.problems];
    if (stored !== undefined) {
      const difference = await differenceBetween(ledger, numInRedis, stored);
      if (difference !== undefined) problems.push(difference);
    }
    return {
      runId,
      ...verified,
      problems,
      ok: problems.length === 0,
      head: (isLost ? newest.manifest.ledgerHead : last?.head) ?? null,
      checkpointStep: newest?.manifest.step ?? null,
      weightsDigest: newest?.manifest.weightsDigest ?? null,
      attempts: views.size,
      engines,
      readFrom: isLost ? 'bucket' : 'redis',
      numStepsInRedis: numInRedis,
      areEpochSizesKnown,
    };
  } finally {
    connection.close();
    store.close();
  }
}

/** Where the first steps of the ledger, as many as Redis has, differ from a checkpoint's; pages of both in memory. */
async function differenceBetween(
  ledger: Ledger,
  numInRedis: number,
  stored: StoredLedger,
): Promise<string | undefined> {
  const { numSteps, head } = stored;
  const known =
    0 < numSteps && numSteps <= numInRedis ? await ledger.entry(numSteps - 1) : undefined;
  if (known !== undefined && known.head !== head)
    return `checkpoint ${numSteps} has ledger head ${head}, the ledger has ${known.head}`;
  for await (const page of stored.entries(0)) {
    const first = page[0]?.step ?? 0;
    if (first >= numInRedis) break;
    const both = page.slice(0, numInRedis - first);
    const others = await ledger.entries(first, first + both.length);
    const differs = both.findIndex((entry, index) => entry.head !== others[index]?.head);
    if (differs >= 0)
      return `step ${first + differs} differs between the ledger and checkpoint ${numSteps}`;
  }
  return undefined;
}

/** Examples of each epoch that the ledger names, from the index of example shards. */
async function sizesOfEpochs(
  connection: Awaited<ReturnType<typeof connectRedis>>,
  exampleSetId: string,
  shardsOf: EpochShards,
  numEpochs: number,
): Promise<ReadonlyMap<number, number>> {
  const sizes = new Map<number, number>();
  const index = createExampleIndex(connection, exampleSetId);
  for (let epoch = 0; epoch < numEpochs; epoch++) {
    const size = await index.epochSize(epoch, [...shardsOf(epoch)]);
    if (size !== undefined) sizes.set(epoch, size);
  }
  return sizes;
}
