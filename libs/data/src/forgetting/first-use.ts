import {
  columnOf,
  sha256Hex,
  type Cursor,
  type DatasetManifest,
  type ExampleBatch,
  type ExampleShard,
  type ExamplesJob,
  type ObjectStore,
} from '@berth/contracts';
import type { DatasetReader } from '../dataset/dataset-cache.ts';
import { documentOfToken } from '../dataset/token-documents.ts';
import { batchOf } from '../examples/batch.ts';
import { openExamplesJob, type OpenExamplesJob } from '../examples/example-job.ts';
import type { ExamplesOfSet } from '../replay/replay-examples.ts';
import { windowOrder, windowShards } from '../sampling/epoch-order.ts';
import { datasetShardOf, epochShardsOf } from '../sampling/epoch-shards.ts';
import type { ExampleShardReader } from '../tasks/task-examples.ts';
import { inTurns } from '../text/work.ts';

/** Documents of a dataset: their places in training shards, by shard. */
export type DocumentPlaces = ReadonlyMap<number, ReadonlySet<number>>;

export interface FirstUseOptions {
  readonly store: ObjectStore;
  readonly manifest: DatasetManifest;
  readonly set: ExamplesOfSet;
  readonly places: DocumentPlaces;
  /** What is known of stored shards; the others are counted by making them again. */
  readonly known: (epoch: number, shard: number) => Promise<ExampleShard | undefined>;
  /** Read documents as they are, and as they are to be. */
  readonly before: DatasetReader;
  readonly after: DatasetReader;
  /** Told of each shard that is looked through. */
  readonly onShard?: (epoch: number, shard: number) => void;
}

/**
 * The place of the first example of the stream, in [from, to), that holds tokens of one of the documents, or that comes out
 * otherwise without them; undefined when there is none. A document is in the examples of every epoch that reads its shard, so
 * hardly more than one such epoch is looked through.
 * @throws BerthError as `openExamplesJob`
 */
export async function firstUse(
  options: FirstUseOptions,
  from: Cursor,
  to: Cursor,
): Promise<Cursor | undefined> {
  const { manifest, set, places } = options;
  const { seed, examples } = set;
  const shardsOf = epochShardsOf({ ...manifest, ...examples, seed });
  const numShards = manifest.train.length;
  for (let epoch = from.epoch; epoch <= to.epoch; epoch++) {
    const first = epoch === from.epoch ? from.index : 0;
    const end = epoch === to.epoch ? to.index : Infinity;
    let start = 0;
    for (const [index, window] of windowShards(
      shardsOf(epoch),
      examples.shuffleWindowShards,
    ).entries()) {
      if (start >= end) break;
      const isConcerned = window.some((shard) => places.has(datasetShardOf(shard, numShards)));
      const found: number[] = [];
      let size = 0;
      for (const shard of window) {
        const use = isConcerned ? await usesIn(options, epoch, shard) : undefined;
        // Google mode draws pairs after masks from one stream: other masks of whole words may cut other pairs.
        if (use?.isRecut === true) return { epoch, index: Math.max(first, start) };
        for (const example of use?.examples ?? []) found.push(size + example);
        size += use?.numExamples ?? (await countOf(options, epoch, shard));
      }
      if (found.length > 0) {
        const uses = new Set(found);
        const order = windowOrder(seed, epoch, index, size);
        const place = order.findIndex(
          (example, at) => uses.has(example) && start + at >= first && start + at < end,
        );
        if (place >= 0) return { epoch, index: start + place };
      }
      start += size;
    }
  }
  return undefined;
}

async function open(
  { store, set }: FirstUseOptions,
  read: DatasetReader,
  epoch: number,
  shard: number,
): Promise<OpenExamplesJob> {
  const job: ExamplesJob = { kind: 'examples', ...set, split: 'train', epoch, shard };
  return openExamplesJob(store, job, read);
}

async function countOf(options: FirstUseOptions, epoch: number, shard: number): Promise<number> {
  const stored = await options.known(epoch, shard);
  if (stored !== undefined) return stored.numExamples;
  options.onShard?.(epoch, shard);
  const { examples, request } = await open(options, options.before, epoch, shard);
  const bytes = await inTurns(examples.make(request));
  return examples.open(bytes, sha256Hex(bytes)).numExamples;
}

interface ShardUse {
  readonly numExamples: number;
  readonly examples: readonly number[];
  /** Whether there are more examples or fewer without the documents, so that the whole window is mixed otherwise. */
  readonly isRecut: boolean;
}

/** The examples of a shard that have to do with the documents; undefined when it can have none. */
async function usesIn(
  options: FirstUseOptions,
  epoch: number,
  shard: number,
): Promise<ShardUse | undefined> {
  const { places, set } = options;
  options.onShard?.(epoch, shard);
  const before = await open(options, options.before, epoch, shard);
  const { examples, request, trainShards } = before;
  if (!trainShards.some((one) => places.has(one))) return undefined;
  const after = await open(options, options.after, epoch, shard);
  const readerOf = async (one: OpenExamplesJob): Promise<ExampleShardReader> => {
    const bytes = await inTurns(one.examples.make(one.request));
    return one.examples.open(bytes, sha256Hex(bytes));
  };
  const [reader, other] = [await readerOf(before), await readerOf(after)];
  const { numExamples } = reader;
  const isRecut = numExamples !== other.numExamples;
  if (isRecut) return { numExamples, examples: [], isRecut };
  const sets = [request.documents, ...(request.others ?? [])];
  const used: number[] = [];
  let example = 0;
  for (const sources of examples.sources(request)) {
    const holds = sources.some(({ documents, start }) =>
      places.get(trainShards[sets.indexOf(documents)]!)?.has(documentOfToken(documents, start)),
    );
    const rowOf = (of: typeof reader): ExampleBatch =>
      batchOf(examples.task, set.examples, [{ reader: of, example }]);
    if (holds || !isSame(rowOf(reader), rowOf(other))) used.push(example);
    example++;
  }
  return { numExamples, examples: used, isRecut };
}

function isSame(one: ExampleBatch, other: ExampleBatch): boolean {
  return Object.keys(one.columns).every((name) => {
    const values = columnOf(other, name);
    return columnOf(one, name).every((value, index) => value === values[index]);
  });
}
