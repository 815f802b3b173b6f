import {
  BerthError,
  changedSettings,
  exampleSetsOf,
  isFinal,
  noRequests,
  type ObjectInfo,
  type ObjectStore,
  type RemovalReport,
  type RunRecord,
} from '@berth/contracts';
import { runRecordKey } from '@berth/checkpoint';
import { datasetPrefixOf, exampleSetPrefix } from '@berth/data';
import { createExampleIndex, createRuns, type RedisConnection } from '@berth/queue';

/** What a run consists of and who else has a part in it. */
interface RunContents {
  readonly parts: readonly (RemovalReport['parts'][number] & { readonly objects: ObjectInfo[] })[];
  readonly kept: readonly string[];
  /** Example sets that nobody else needs or may. */
  readonly ownSets: readonly string[];
}

export interface RemovalOptions {
  /** No cluster runs, so that nobody works on a run that has not ended. @defaultValue false */
  readonly isAtRest?: boolean;
}

/** Longest that one call deletes: whoever asks asks again until nothing is left. */
const sliceMs = 3_000;
const numAtOnce = 16;

/** Removes runs for good. Broken off anywhere, it is gone on with by asking again. */
export class RunRemoval {
  readonly #connection: RedisConnection;
  readonly #store: ObjectStore;
  readonly #runs;

  constructor(connection: RedisConnection, store: ObjectStore) {
    this.#connection = connection;
    this.#store = store;
    this.#runs = createRuns(connection);
  }

  /**
   * What would go, without removing anything.
   * @throws BerthError `RUN_STATE_CONFLICT` as `remove` does
   */
  async survey(
    record: RunRecord,
    { isAtRest = false }: RemovalOptions = {},
  ): Promise<RemovalReport> {
    requireEnded(record, isAtRest);
    return reportOf(record, await this.#contentsOf(record), false);
  }

  /**
   * Removes a run that has ended, as far as it gets in a few seconds. The run stays, and nothing else can be done with it,
   * until all that is its own is gone.
   * @returns what is left
   * @throws BerthError `RUN_STATE_CONFLICT` when it has not ended
   */
  async remove(runId: string, { isAtRest = false }: RemovalOptions = {}): Promise<RemovalReport> {
    const deadlineMs = performance.now() + sliceMs;
    const record = await this.#runs.change(runId, (now) => {
      requireEnded(now, isAtRest);
      if (now.requests.remove) return undefined;
      const status = isFinal(now.status) ? now.status : 'stopped';
      const requests = { ...noRequests, remove: true };
      return { status, requests, reason: `it is being removed: berth rm ${runId} goes on with it` };
    });
    // Whatever Redis loses from here on, it comes back as one that is being removed.
    await this.#store.put(runRecordKey(runId), Buffer.from(JSON.stringify(record)));
    const contents = await this.#contentsOf(record);
    for (const upload of await this.#store.listUploads(`runs/${runId}/`))
      await this.#store.abortUpload(upload);
    // Manifests first: a checkpoint or dataset without one is none.
    const keys = contents.parts
      .flatMap(({ objects }) => objects.map(({ key }) => key))
      .toSorted((a, b) => Number(isManifest(b)) - Number(isManifest(a)));
    for (let start = 0; start < keys.length; start += numAtOnce) {
      if (performance.now() >= deadlineMs)
        return reportOf(record, await this.#contentsOf(record), false);
      const some = keys.slice(start, start + numAtOnce);
      await Promise.all(some.map((key) => this.#store.delete(key)));
    }
    for (const exampleSet of contents.ownSets)
      await createExampleIndex(this.#connection, exampleSet).remove();
    await this.#runs.remove(runId);
    await this.#store.delete(runRecordKey(runId));
    return reportOf(record, { ...contents, parts: [] }, true);
  }

  async #contentsOf(record: RunRecord): Promise<RunContents> {
    const { runId, manifestKey } = record;
    const { records, unreadable } = await this.#runs.survey();
    const others = records.filter((other) => other.runId !== runId);
    const kept: string[] = [];
    /** The objects of data, unless somebody else needs them or may. */
    const ownData = async (
      what: string,
      prefix: string | undefined,
      isShared: (other: RunRecord) => boolean,
    ): Promise<ObjectInfo[]> => {
      if (prefix === undefined) return [];
      const sharing = others.filter((other) => isShared(other) || mayMakeSame(record, other));
      const users = [...sharing, ...unreadable].map((user) => user.runId);
      if (users.length === 0) return this.#store.list(prefix);
      kept.push(`${what}: ${users.slice(0, 3).join(', ')} may use it`);
      return [];
    };
    const dataset = await ownData(
      'dataset',
      manifestKey === null ? undefined : datasetPrefixOf(manifestKey),
      (other) => other.manifestKey === manifestKey,
    );
    const examples: ObjectInfo[] = [];
    const ownSets: string[] = [];
    for (const exampleSet of new Set(exampleSetsOf(record))) {
      const numKept = kept.length;
      const found = await ownData('examples', exampleSetPrefix(exampleSet), (other) =>
        exampleSetsOf(other).includes(exampleSet),
      );
      if (kept.length === numKept) ownSets.push(exampleSet);
      examples.push(...found);
    }
    const own = await this.#store.list(`runs/${runId}/`);
    const of = (kind: string): ObjectInfo[] => own.filter(({ key }) => kindOf(key) === kind);
    const sections = {
      checkpoints: of('checkpoints'),
      ledger: of('ledger'),
      metrics: of('metrics'),
      exports: of('exports'),
      dataset,
      examples,
    };
    const parts = Object.entries(sections).map(([name, objects]) => ({
      name: name as keyof typeof sections,
      objects,
      numObjects: objects.length,
      sizeBytes: objects.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    }));
    return { parts: parts.filter(({ numObjects }) => numObjects > 0), kept, ownSets };
  }
}

/** A run whose data is being made, of which nobody knows yet whether it is the same. */
function mayMakeSame(record: RunRecord, other: RunRecord): boolean {
  if (isFinal(other.status)) return false;
  const { submission } = other.requests;
  if (other.manifestKey !== null && submission === null) return false;
  const config = submission?.config ?? other.config;
  return changedSettings(record.config, config, ['data']).length === 0;
}

function kindOf(key: string): 'checkpoints' | 'ledger' | 'metrics' | 'exports' {
  if (/^runs\/[^/]+\/exports\//.test(key)) return 'exports';
  if (/\/(ledger|abandoned)\/|\.ledger-/.test(key)) return 'ledger';
  return key.includes('/checkpoints/') ? 'checkpoints' : 'metrics';
}

function isManifest(key: string): boolean {
  return key.endsWith('manifest.json');
}

function reportOf(
  { runId, status }: RunRecord,
  { parts, kept }: RunContents,
  isDone: boolean,
): RemovalReport {
  return {
    runId,
    status,
    isDone,
    parts: parts.map(({ name, numObjects, sizeBytes }) => ({ name, numObjects, sizeBytes })),
    kept: [...kept],
  };
}

function requireEnded({ runId, status }: RunRecord, isAtRest: boolean): void {
  if (isFinal(status) || isAtRest) return;
  throw new BerthError(
    'RUN_STATE_CONFLICT',
    `Run "${runId}" is ${status}; stop it before it is removed: berth stop ${runId}`,
    { details: { runId, status } },
  );
}
