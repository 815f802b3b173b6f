import { listCheckpoints, runRecordKey, runRecordsPrefix } from '@berth/checkpoint';
import {
  BerthError,
  readJson,
  runRecordSchema,
  type ObjectStore,
  type RunRecord,
} from '@berth/contracts';

/** The names of the runs that the bucket has records of. */
export async function listRuns(store: ObjectStore): Promise<string[]> {
  const objects = await store.list(runRecordsPrefix);
  return objects.map(({ key }) => key.slice(runRecordsPrefix.length).replace(/\.json$/, ''));
}

/** A run's record as the bucket has it; undefined when it has none that can be read. */
export async function readStoredRecord(
  store: ObjectStore,
  runId: string,
): Promise<RunRecord | undefined> {
  const key = runRecordKey(runId);
  if ((await store.head(key)) === undefined) return undefined;
  const reading = readJson(runRecordSchema, new TextDecoder().decode(await store.get(key)));
  return reading.ok ? reading.value : undefined;
}

/**
 * The checkpoints of a run that its newest attempt could go on from, newest first; whether they are sound is known once they are
 * read.
 * @param options.step only those of this step
 * @throws BerthError `CHECKPOINT_NOT_FOUND` when there is none, naming those that there are
 */
export async function findCheckpoints(
  store: ObjectStore,
  runId: string,
  { record, step }: { readonly record: RunRecord | undefined; readonly step?: number | undefined },
): Promise<readonly { readonly step: number; readonly manifestKey: string }[]> {
  const listed = (await listCheckpoints(store, runId, record?.attempts)).toReversed();
  const found = step === undefined ? listed : listed.filter((each) => each.step === step);
  if (found.length > 0) return found;
  const steps = [...new Set(listed.map((each) => each.step))].toReversed();
  throw new BerthError(
    'CHECKPOINT_NOT_FOUND',
    steps.length === 0
      ? `Run "${runId}" has no checkpoint in ${store.describe()} yet`
      : `Run "${runId}" has no checkpoint of step ${step}; it has those of ${steps.join(', ')}`,
    { details: { runId } },
  );
}
