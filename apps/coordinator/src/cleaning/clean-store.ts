import { sweepUnnamedParts } from '@berth/checkpoint';
import { exampleSetsOf, isFinal, type RunRecord } from '@berth/contracts';
import { cleanExamples, type CleaningOptions } from './clean-examples.ts';

/** Longer than any upload takes. */
const unfinishedMs = 86_400_000;

/**
 * Removes from the store what nobody will need: uploads that were begun and never completed, parts that ended runs have
 * left without a manifest, and the examples of epochs long past. Broken off anywhere, it is done again.
 * @param records - of all runs that there are
 * @throws what Redis and the store throw
 */
export async function cleanStore(
  options: CleaningOptions,
  records: readonly RunRecord[],
  nowMs: number,
): Promise<void> {
  const { store, logger, mayDelete } = options;
  const sinceMs = nowMs - unfinishedMs;
  for (const upload of await store.listUploads('')) {
    if (upload.startedAtMs > sinceMs) continue;
    if (!mayDelete()) return;
    await store.abortUpload(upload);
    logger.info('Aborted an upload that nobody completed', { key: upload.key });
  }
  for (const { runId, status, updatedAtMs } of records)
    // A run that goes on sweeps behind itself; what has long ended was swept before.
    if (isFinal(status) && updatedAtMs < sinceMs && updatedAtMs > sinceMs - 7 * unfinishedMs)
      await sweepUnnamedParts(
        store,
        runId,
        ({ lastModifiedMs }) => mayDelete() && lastModifiedMs < sinceMs,
      );
  const sets = new Set(records.flatMap(exampleSetsOf));
  for (const exampleSetId of sets) await cleanExamples(options, exampleSetId, records);
}
