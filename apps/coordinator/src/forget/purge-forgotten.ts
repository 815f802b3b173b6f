import { attemptsPrefix, createS3ObjectStore, placeOfKey } from '@berth/checkpoint';
import {
  BerthError,
  exampleSetsOf,
  isFinal,
  type Forgotten,
  type Logger,
  type ObjectInfo,
  type ObjectStore,
  type RunRecord,
  type Services,
} from '@berth/contracts';
import { datasetPrefixOf, exampleSetPrefix } from '@berth/data';
import { chooseRun, noSuchRun } from '@berth/protocol';
import { connectRedis, createExampleIndex, createRuns } from '@berth/queue';

/** What a run has forgotten and the bucket still holds. */
export interface Purge {
  readonly runId: string;
  readonly parts: readonly {
    readonly name: 'datasets' | 'examples' | 'checkpoints';
    readonly numObjects: number;
    readonly sizeBytes: number;
  }[];
  /** What stays, and why. */
  readonly kept: readonly string[];
}

/**
 * Deletes what holds documents that a run has forgotten: the datasets and examples that it had before, and the checkpoints that it
 * left behind. What another run uses stays. Broken off, it is gone on with by asking again.
 * @throws BerthError `RUN_NOT_FOUND`; `RUN_STATE_CONFLICT` while the run has not gone back yet
 */
export async function purgeForgotten(
  { redisUrl, s3 }: Services,
  run: string,
  { isDryRun, logger }: { readonly isDryRun: boolean; readonly logger: Logger },
): Promise<Purge> {
  const connection = await connectRedis(redisUrl, { role: 'producer', logger });
  const store = createS3ObjectStore(s3, logger);
  try {
    const runs = createRuns(connection);
    const { records, unreadable } = await runs.survey();
    const runIds = records.map(({ runId }) => runId);
    const runId = chooseRun(runIds, run);
    const record = records.find((one) => one.runId === runId);
    if (record === undefined) throw noSuchRun(runIds, run);
    if (record.requests.rewind !== null)
      throw new BerthError(
        'RUN_STATE_CONFLICT',
        `Run "${runId}" has not gone back to step ${record.requests.rewind.toStep} yet: ask again once it trains`,
        { details: { runId } },
      );
    const forgotten = (record.forgotten ?? []).filter(({ purgedAtMs }) => purgedAtMs === undefined);
    const users = [...records.filter((other) => other.runId !== runId), ...unreadable];
    const { kept, datasets, examples, sets } = await ownData(store, record, forgotten, users);
    const checkpoints = await leftCheckpoints(store, record, forgotten);
    if (!isDryRun) {
      // Manifests first: without one there is nothing.
      const keys = [...datasets, ...examples, ...checkpoints]
        .map(({ key }) => key)
        .toSorted((a, b) => Number(isManifest(b)) - Number(isManifest(a)));
      for (const key of keys) await store.delete(key);
      for (const set of sets) await createExampleIndex(connection, set).remove();
      if (kept.length === 0)
        await runs.change(runId, (now) => ({
          forgotten: now.forgotten?.map((one) => ({ purgedAtMs: Date.now(), ...one })),
        }));
    }
    const parts = Object.entries({ datasets, examples, checkpoints }).map(([name, objects]) => ({
      name: name as Purge['parts'][number]['name'],
      numObjects: objects.length,
      sizeBytes: objects.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    }));
    return { runId, parts: parts.filter(({ numObjects }) => numObjects > 0), kept };
  } finally {
    connection.close();
    store.close();
  }
}

type User = Pick<RunRecord, 'runId'> & Partial<RunRecord>;

async function ownData(
  store: ObjectStore,
  record: RunRecord,
  forgotten: readonly Forgotten[],
  users: readonly User[],
): Promise<{
  readonly kept: string[];
  readonly datasets: ObjectInfo[];
  readonly examples: ObjectInfo[];
  readonly sets: string[];
}> {
  const kept: string[] = [];
  const datasets: ObjectInfo[] = [];
  const examples: ObjectInfo[] = [];
  const sets: string[] = [];
  for (const manifestKey of new Set(forgotten.map(({ before }) => before))) {
    const prefix = datasetPrefixOf(manifestKey);
    if (prefix === undefined || manifestKey === record.manifestKey) continue;
    const using = users.filter((user) => mayUse(user, manifestKey)).map(({ runId }) => runId);
    if (using.length === 0) datasets.push(...(await store.list(prefix)));
    else kept.push(`dataset ${prefix.slice(9, 21)}: ${using.slice(0, 3).join(', ')} may use it`);
  }
  for (const set of new Set(forgotten.flatMap(({ exampleSetIdsBefore }) => exampleSetIdsBefore))) {
    const isUsed = users.some(
      (user) => user.manifestKey === undefined || exampleSetsOf(user as RunRecord).includes(set),
    );
    if (isUsed || exampleSetsOf(record).includes(set)) continue;
    sets.push(set);
    examples.push(...(await store.list(exampleSetPrefix(set))));
  }
  return { kept, datasets, examples, sets };
}

/** Whether a run has a dataset, or may get it: its data is being made, or its record cannot be read. */
function mayUse({ manifestKey, status }: User, wanted: string): boolean {
  if (manifestKey === undefined || status === undefined) return true;
  return manifestKey === wanted || (manifestKey === null && !isFinal(status));
}

/** Manifests and states of checkpoints that an attempt left behind because of what was to be forgotten; ledgers hold no text. */
async function leftCheckpoints(
  store: ObjectStore,
  { runId, attempts }: RunRecord,
  forgotten: readonly Forgotten[],
): Promise<ObjectInfo[]> {
  const back = forgotten.flatMap(({ atMs, wentBackTo }) => {
    const begun = attempts.find(({ startedAtMs }) => startedAtMs === atMs);
    return begun === undefined || wentBackTo === null
      ? []
      : [{ attempt: begun.attempt, toStep: wentBackTo }];
  });
  const objects = await store.list(attemptsPrefix(runId));
  return objects.filter(({ key }) => {
    const place = placeOfKey(runId, key);
    return (
      place !== undefined &&
      (place.isManifest || key.endsWith('.safetensors')) &&
      back.some(({ attempt, toStep }) => place.attempt < attempt && place.step > toStep)
    );
  });
}

function isManifest(key: string): boolean {
  return key.endsWith('manifest.json');
}
