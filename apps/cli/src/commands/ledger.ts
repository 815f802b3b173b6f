import { createS3ObjectStore, findNewestManifest, readLedger } from '@berth/checkpoint';
import { BerthError, type LedgerEntry } from '@berth/contracts';
import {
  connectRedis,
  createExampleIndex,
  createLedger,
  createRuns,
  verifyLedger,
  type LedgerReport,
} from '@berth/queue';
import { readDatasetManifest } from '@berth/data';
import { withServices } from '../cluster-access.ts';
import type { Context } from '../context.ts';
import { formatCount } from '../format.ts';

/**
 * `berth ledger verify <run>`: proves from the ledger that every example was used exactly once, in order, and that the
 * newest checkpoint belongs to it.
 * @throws BerthError `LEDGER_INVALID` when it does not hold
 */
export async function verifyRunLedger(
  context: Context,
  runId: string,
  options: { readonly json: boolean },
): Promise<void> {
  const report = await withServices(context, async ({ redisUrl, s3 }) => {
    const connection = await connectRedis(redisUrl, { role: 'producer', logger: context.logger });
    const store = createS3ObjectStore(s3, context.logger);
    try {
      const record = await createRuns(connection).read(runId);
      if (record === undefined) throw new BerthError('RUN_NOT_FOUND', `There is no run "${runId}"`);
      const ledger = createLedger(connection, runId);
      const entries = await ledger.entries(0, await ledger.numCommitted());
      const newest = await findNewestManifest(store, runId, { logger: context.logger });
      const epochSizes = await sizesOfEpochs(
        connection,
        store,
        record.manifestKey,
        record.exampleSetId,
        entries,
      );
      const verified = verifyLedger(entries, {
        globalBatch: record.config.train.globalBatch,
        epochSize: (epoch) => epochSizes.get(epoch),
      });
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
        attempts: numAttempts(entries),
      };
    } finally {
      connection.close();
      store.close();
    }
  });
  if (options.json) context.print(JSON.stringify(report));
  else context.print(describe(runId, report));
  if (!report.ok)
    throw new BerthError('LEDGER_INVALID', `${runId}: ${report.problems[0] ?? 'invalid'}`);
}

type Report = LedgerReport & {
  readonly head: string | null;
  readonly checkpointStep: number | null;
  readonly weightsDigest: string | null;
  readonly attempts: number;
};

function describe(runId: string, report: Report): string {
  return [
    `${runId}: ${report.ok ? 'every example exactly once' : 'the ledger does not hold'}`,
    `  steps       ${formatCount(report.numSteps)}`,
    `  examples    ${formatCount(report.numExamples)}`,
    `  views       ${report.attempts}`,
    `  head        ${report.head ?? 'none'}`,
    `  checkpoint  ${report.checkpointStep === null ? 'none' : `step ${report.checkpointStep}`}`,
    `  weights     ${report.weightsDigest ?? 'none'}`,
    ...report.problems.map((problem) => `  problem     ${problem}`),
  ].join('\n');
}

/** Views under which steps were committed: 1 in an undisturbed run. */
function numAttempts(entries: readonly LedgerEntry[]): number {
  return new Set(entries.map((entry) => entry.viewVersion)).size;
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
