import {
  isDamage,
  placeOfKey,
  readManifest,
  runRecordKey,
  runRecordsPrefix,
} from '@berth/checkpoint';
import {
  isBerthError,
  pruneKinds,
  readJson,
  runRecordSchema,
  type ObjectInfo,
  type ObjectStore,
  type PruneKind,
  type PruneReport,
  type RunRecord,
} from '@berth/contracts';
import { datasetPrefixOf, isLabelled, isMadeByBerth, readAnyDataset } from '@berth/data';
import { createExampleIndex, createRuns, type RedisConnection } from '@berth/queue';
import {
  decidePrune,
  mayStillGo,
  prunedPrefixes,
  type PruneDecision,
  type PruneGroup,
  type PruneState,
} from './decide-prune.ts';

export interface PruneOptions {
  readonly minAgeMs: number;
}

const reasons: Readonly<Record<PruneKind, string>> = {
  datasets: 'no run and no checkpoint names them; made again from the text where it is asked for',
  examples: 'of no run and no checkpoint; made again where they are asked for',
  unfinished: 'datasets that were never finished',
  leftovers: 'what lay between text and datasets that are finished',
  plans: 'lists of files and digests: the next run on the same text reads it again',
  preparations: 'what runs have asked for whose data is made, or that have ended',
  vocabularies: 'datasets have copies of their own; trained again where it is asked for',
};

/** Longest that one call deletes: whoever asks asks again until nothing is left. */
const sliceMs = 3_000;
const numAtOnce = 16;
const numNamed = 10;

/** Deletes from the bucket what nobody needs. Broken off anywhere, it is gone on with by asking again. */
export class BucketPruning {
  readonly #connection: RedisConnection;
  readonly #store: ObjectStore;
  readonly #runs;

  constructor(connection: RedisConnection, store: ObjectStore) {
    this.#connection = connection;
    this.#store = store;
    this.#runs = createRuns(connection);
  }

  /** What would go, without deleting anything. */
  async survey(options: PruneOptions): Promise<PruneReport> {
    return reportOf(await this.#decide(options), false);
  }

  /** Deletes as much as it gets to in a few seconds. @returns what is left */
  async prune(options: PruneOptions): Promise<PruneReport> {
    const deadlineMs = performance.now() + sliceMs;
    const decision = await this.#decide(options);
    for (const group of decision.groups) {
      if (group.kind === 'examples' && (await this.#mayStillGo(group)))
        await createExampleIndex(this.#connection, group.name).remove();
      for (let start = 0; start < group.objects.length; start += numAtOnce) {
        // Who has begun to make data meanwhile may need what is left.
        if (performance.now() >= deadlineMs || !(await this.#mayStillGo(group)))
          return reportOf(await this.#decide(options), false);
        const some = group.objects.slice(start, start + numAtOnce);
        await Promise.all(some.map(({ key }) => this.#store.delete(key)));
      }
    }
    return reportOf({ ...decision, groups: [] }, decision.waitsFor.length === 0);
  }

  async #mayStillGo(group: PruneGroup): Promise<boolean> {
    const { records, unreadable } = await this.#runs.survey();
    return mayStillGo(group, { records, unreadable: unreadable.map(({ runId }) => runId) });
  }

  async #decide({ minAgeMs }: PruneOptions): Promise<PruneDecision> {
    const objects: ObjectInfo[] = [];
    for (const prefix of prunedPrefixes) objects.push(...(await this.#store.list(prefix)));
    const nowMs = Date.now();
    const checkpoints = await this.#namedByCheckpoints();
    const datasets = await this.#lookAtDatasets(objects);
    // Last, so that nobody has got a name meanwhile that is not known here.
    const records = await this.#records();
    return decidePrune({ objects, ...checkpoints, ...records, ...datasets, nowMs, minAgeMs });
  }

  /** Of all runs that Redis or the bucket knows. */
  async #records(): Promise<Pick<PruneState, 'records' | 'unreadable'>> {
    const { records, unreadable } = await this.#runs.survey();
    const unknown = unreadable.map(({ runId }) => runId);
    const known = new Set([...unknown, ...records.map(({ runId }) => runId)]);
    const all: RunRecord[] = [...records];
    for (const { key } of await this.#store.list(runRecordsPrefix)) {
      const runId = key.slice(runRecordsPrefix.length).replace(/\.json$/, '');
      if (known.has(runId) || key !== runRecordKey(runId)) continue;
      const text = await this.#textOf(key);
      const reading = text === undefined ? undefined : readJson(runRecordSchema, text);
      if (reading?.ok === true) all.push(reading.value);
      else if (reading !== undefined) unknown.push(runId);
    }
    return { records: all, unreadable: unknown };
  }

  /** Undefined for a record that has gone meanwhile. */
  async #textOf(key: string): Promise<string | undefined> {
    try {
      return Buffer.from(await this.#store.get(key)).toString();
    } catch (error) {
      if (!isDamage(error)) throw error;
      return (await this.#store.head(key)) === undefined ? undefined : '';
    }
  }

  /** What lies in a damaged one nobody can go back to. */
  async #namedByCheckpoints(): Promise<Pick<PruneState, 'checkpointDatasets' | 'checkpointSets'>> {
    const [datasets, sets] = [new Set<string>(), new Set<string>()];
    for (const { key } of await this.#store.list('runs/')) {
      if (placeOfKey(key.split('/')[1] ?? '', key)?.isManifest !== true) continue;
      try {
        const { datasetId, exampleSetId } = await readManifest(this.#store, key);
        datasets.add(datasetId);
        sets.add(exampleSetId);
      } catch (error) {
        if (!isDamage(error)) throw error;
      }
    }
    return { checkpointDatasets: datasets, checkpointSets: sets };
  }

  /** Of datasets that the bucket's keys alone tell too little of. */
  async #lookAtDatasets(
    objects: readonly ObjectInfo[],
  ): Promise<Pick<PruneState, 'foreign' | 'labelledSets'>> {
    const keys = new Set(objects.map(({ key }) => key));
    const foreign = new Set<string>();
    const labelledSets = new Map<string, string>();
    for (const key of keys) {
      const folder = datasetPrefixOf(key);
      if (folder === undefined || isMadeByBerth(folder, keys)) continue;
      const datasetId = folder.split('/')[1]!;
      try {
        const dataset = await readAnyDataset(this.#store, key);
        if (isLabelled(dataset)) labelledSets.set(datasetId, dataset.exampleSetId);
        else if (dataset.forgotten === undefined) foreign.add(datasetId);
      } catch (error) {
        const isNone = isBerthError(error) && error.code === 'DATA_SHARD_CORRUPT';
        if (!isNone && !isDamage(error)) throw error;
        foreign.add(datasetId);
      }
    }
    return { foreign, labelledSets };
  }
}

function reportOf({ groups, waitsFor }: PruneDecision, isDone: boolean): PruneReport {
  const parts = pruneKinds.flatMap((kind) => {
    const own = groups.filter((group) => group.kind === kind);
    if (own.length === 0) return [];
    const objects = own.flatMap((group: PruneGroup) => group.objects);
    return [
      {
        kind,
        numGroups: own.length,
        numObjects: objects.length,
        sizeBytes: objects.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
        first: own.slice(0, numNamed).map(({ name }) => name),
        reason: reasons[kind],
      },
    ];
  });
  return { isDone, parts, waitsFor: [...waitsFor] };
}
