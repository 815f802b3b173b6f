import { BerthError, isBerthError, type ObjectStore } from '@berth/contracts';
import { createPriorityQueue } from '../text/priority-queue.ts';
import {
  checkOf,
  compareRecords,
  entriesRange,
  readEntries,
  readRecord,
  type BucketStretch,
  type PlacedRecord,
  type StretchCheck,
} from './run-file.ts';

/** Buckets of a run file, the first and the one after the last. */
export interface RunBuckets {
  readonly key: string;
  readonly chunk: number;
  readonly numBuckets: number;
  readonly first: number;
  readonly end: number;
}

/** Bytes of all stretches that are in memory at a time. */
const memoryBytes = 96 * 2 ** 20;
const leastBlockBytes = 64 * 2 ** 10;
const numAtOnce = 16;

/** Some buckets of a run file, of which some records are in memory. */
class Cursor {
  /** The next; undefined at the end. */
  record: PlacedRecord | undefined;
  readonly #store: ObjectStore;
  readonly #run: RunBuckets;
  readonly #stretches: readonly BucketStretch[];
  readonly #end: number;
  #next: number;
  #bytes: Uint8Array = new Uint8Array();
  #stretch = 0;
  #check: StretchCheck | undefined;

  /** @param stretches - that follow one another */
  constructor(store: ObjectStore, run: RunBuckets, stretches: readonly BucketStretch[]) {
    this.#store = store;
    this.#run = run;
    this.#stretches = stretches;
    this.#next = stretches[0]?.start ?? 0;
    this.#end = stretches.at(-1)?.end ?? 0;
  }

  /** Goes on to the next record. @returns whether nothing had to be read for it */
  step(): boolean {
    try {
      const record = readRecord(this.#bytes);
      this.record = record && { ...record, chunk: this.#run.chunk };
    } catch (error) {
      throw damaged(this.#run, error);
    }
    if (this.record === undefined) return false;
    this.#bytes = this.#bytes.subarray(this.record.numBytes);
    return true;
  }

  /** Reads on until there is a record or the end. */
  async read(blockBytes: number): Promise<void> {
    while (!this.step()) {
      if (this.#next === this.#end) {
        if (this.#bytes.length > 0) throw damaged(this.#run);
        return;
      }
      const start = this.#next;
      this.#next = Math.min(this.#end, start + blockBytes);
      const range = [start, this.#next] as const;
      const block = await ofRun(this.#run, () => this.#store.get(this.#run.key, { range }));
      this.#verify(block, start);
      this.#bytes = this.#bytes.length === 0 ? block : Buffer.concat([this.#bytes, block]);
    }
  }

  #verify(block: Uint8Array, start: number): void {
    for (let at = start; at < start + block.length;) {
      const stretch = this.#stretches[this.#stretch]!;
      this.#check ??= checkOf(stretch);
      const end = Math.min(stretch.end, start + block.length);
      this.#check.add(block.subarray(at - start, end - start));
      at = end;
      if (end < stretch.end) continue;
      if (!this.#check.isSound()) throw damaged(this.#run);
      this.#check = undefined;
      this.#stretch += 1;
    }
  }
}

/**
 * The records of some buckets of run files, each by hash, name and place in the corpus, as one list in that order.
 * @throws BerthError `DATA_SHARD_CORRUPT` with the `chunk` whose run file is damaged or gone, and what the store throws
 */
export async function* mergeRuns(
  store: ObjectStore,
  runs: readonly RunBuckets[],
): AsyncGenerator<PlacedRecord> {
  const cursors = await inBatches(
    runs,
    async (run) => new Cursor(store, run, await ofRun(run, () => stretchesOf(store, run))),
  );
  const blockBytes = Math.max(leastBlockBytes, Math.floor(memoryBytes / (1 + cursors.length)));
  await inBatches(cursors, (cursor) => cursor.read(blockBytes));
  const queue = createPriorityQueue<Cursor>((a, b) => compareRecords(a.record!, b.record!) < 0);
  for (const cursor of cursors) if (cursor.record !== undefined) queue.push(cursor);
  for (let cursor = queue.pop(); cursor !== undefined; cursor = queue.pop()) {
    yield cursor.record!;
    if (!cursor.step()) await cursor.read(blockBytes);
    if (cursor.record !== undefined) queue.push(cursor);
  }
}

/** Does some work for each, a few at a time. */
async function inBatches<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  for (let start = 0; start < items.length; start += numAtOnce)
    results.push(...(await Promise.all(items.slice(start, start + numAtOnce).map(work))));
  return results;
}

async function stretchesOf(
  store: ObjectStore,
  { key, numBuckets, first, end }: RunBuckets,
): Promise<BucketStretch[]> {
  const bytes = await store.get(key, { range: entriesRange(first, end) });
  return readEntries(bytes, first, numBuckets);
}

/** What a store or a reader throws of an object that is gone or damaged. */
export const lostCodes: ReadonlySet<string> = new Set([
  'DATA_SHARD_CORRUPT',
  'STORE_CORRUPT',
  'STORE_NOT_FOUND',
]);

/** Names the chunk whose run file is lost. */
async function ofRun<T>(run: RunBuckets, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (isBerthError(error) && lostCodes.has(error.code)) throw damaged(run, error);
    throw error;
  }
}

function damaged({ key, chunk }: RunBuckets, cause?: unknown): BerthError {
  return new BerthError(
    'DATA_SHARD_CORRUPT',
    `${key} is damaged or gone: prepare the dataset again`,
    { cause, details: { key, chunk } },
  );
}
