import {
  BerthError,
  digestOf,
  exampleSettings,
  heldOutShardsOf,
  taskNameOf,
  type DatasetManifest,
  type DocumentShard,
  type ExampleShard,
  type ExamplesConfig,
  type ExamplesJob,
  type ObjectStore,
} from '@berth/contracts';
import { plainDatasetReader, type DatasetReader } from '../dataset/dataset-cache.ts';
import { readCorpusOrder } from '../dataset/document-names.ts';
import { putPart } from '../dataset/stored-part.ts';
import { numDocumentsOf, type TokenDocuments } from '../dataset/token-documents.ts';
import { exampleShardKey } from './example-keys.ts';
import type { KeepNumbers } from '../scratch/stretches.ts';
import { windowShards } from '../sampling/epoch-order.ts';
import { datasetShardOf, epochShardsOf } from '../sampling/epoch-shards.ts';
import { taskExamples } from '../tasks/index.ts';
import { inTurns } from '../text/work.ts';
import type {
  ExampleShardReader,
  ExamplesRequest,
  StoredTaskExamples,
  TaskExamples,
} from '../tasks/task-examples.ts';

/**
 * The set of all example shards that share a dataset, a seed, the settings that shape examples and the way they are made.
 * @param format - @defaultValue the first
 */
export function exampleSetIdOf(
  datasetId: string,
  examples: ExamplesConfig,
  seed: number,
  format?: string,
): string {
  const task = taskExamples[taskNameOf(examples)];
  return digestOf({
    format: format ?? task.firstFormat,
    datasetId,
    seed,
    ...exampleSettings(examples),
    ...(task.readsWindow(examples, format) && { windowShards: examples.shuffleWindowShards }),
  });
}

/**
 * Does an example job: reads one document shard, makes its examples of that epoch and stores them. The same job gives
 * the same bytes at the same key, so it may be done twice, anywhere.
 * @throws BerthError `DATA_MISMATCH` when the job does not fit the dataset, `DATA_SHARD_CORRUPT` when the key holds other
 * bytes or a part of the dataset does not verify
 */
export async function makeExampleShard(
  store: ObjectStore,
  job: ExamplesJob,
  read: DatasetReader = plainDatasetReader,
): Promise<ExampleShard> {
  const { split, epoch, shard } = job;
  const { examples, request } = await openExamplesJob(store, job, read);
  const bytes = await inTurns(examples.make(request));
  const part = await putPart(store, exampleShardKey(job), bytes);
  const { numExamples, numTokens, numPredictions } = examples.open(bytes, part.sha256, part.key);
  return { ...part, split, epoch, shard, numExamples, numTokens, numPredictions };
}

/** What an example job makes examples of, and how. */
export interface OpenExamplesJob {
  readonly examples: TaskExamples;
  readonly request: ExamplesRequest;
  /** Places of its documents and of the others, in this order, among the training shards of the dataset; none of held-out ones. */
  readonly trainShards: readonly number[];
}

/** Reads what an example job needs. @throws BerthError as `makeExampleShard` */
export async function openExamplesJob(
  store: ObjectStore,
  job: ExamplesJob,
  read: DatasetReader = plainDatasetReader,
): Promise<OpenExamplesJob> {
  const { manifestKey, split, examples: settings, exampleFormat: format } = job;
  const manifest = await read.manifest(store, manifestKey);
  const documentShard = documentShardOf(job, manifest);
  const vocabulary = await read.vocabulary(store, manifest.vocabulary);
  const examples = taskExamples[taskNameOf(settings)];
  const isTrain = split === 'train';
  const otherShards =
    isTrain && examples.readsWindow(settings, format) ? othersOfWindow(job, manifest.train) : [];
  const found = await read.documents(store, documentShard);
  // All of it is read, piece by piece.
  const documents = { ...found, tokens: found.tokens.subarray() };
  const order =
    isTrain && examples.readsOrder?.(settings) === true
      ? await readCorpusOrder(store, documentShard, numDocumentsOf(found))
      : undefined;
  const others: TokenDocuments[] = [];
  for (const other of otherShards) others.push(await read.documents(store, manifest.train[other]!));
  const { textRules } = manifest;
  const timesRead = Math.floor(job.shard / manifest.train.length);
  const own = isTrain ? [datasetShardOf(job.shard, manifest.train.length)] : [];
  return {
    examples,
    request: {
      ...job,
      settings,
      format,
      documents,
      order,
      others,
      vocabulary,
      textRules,
      timesRead,
    },
    trainShards: [...own, ...otherShards],
  };
}

/** The other dataset shards that are mixed with this one in its epoch, in ascending order. */
function othersOfWindow(
  { seed, epoch, shard, examples }: ExamplesJob,
  train: DatasetManifest['train'],
): number[] {
  const { corpusWeights, shuffleWindowShards } = examples;
  const order = epochShardsOf({ seed, train, corpusWeights })(epoch);
  const window = windowShards(order, shuffleWindowShards).find((one) => one.includes(shard)) ?? [];
  const own = datasetShardOf(shard, train.length);
  const mixed = new Set(Array.from(window, (one) => datasetShardOf(one, train.length)));
  return [...mixed].filter((other) => other !== own).sort((a, b) => a - b);
}

/**
 * @param keep - where what is long of it is to be, if not in memory
 * @throws BerthError `DATA_SHARD_CORRUPT` or `STORE_CORRUPT` when the stored bytes are not those of the record, and what the
 * store throws
 */
export async function readExampleShard(
  store: ObjectStore,
  { key, sizeBytes, sha256, numExamples, numTokens, numPredictions }: ExampleShard,
  { open }: Pick<StoredTaskExamples, 'open'>,
  keep?: KeepNumbers,
): Promise<ExampleShardReader> {
  const reader = open(await store.get(key, { maxBytes: sizeBytes }), sha256, key);
  // Where an example lies is computed by the record's counts, before its shard is opened.
  const isSame =
    reader.numExamples === numExamples &&
    reader.numTokens === numTokens &&
    reader.numPredictions === numPredictions;
  if (isSame) return (await (keep && reader.kept?.(keep))) ?? reader;
  throw new BerthError(
    'DATA_SHARD_CORRUPT',
    `${key}: holds ${reader.numExamples} examples, and its record says ${numExamples}; delete it and make it again`,
    { details: { key } },
  );
}

function documentShardOf(job: ExamplesJob, manifest: DatasetManifest): DocumentShard {
  const mismatch = (what: string): BerthError =>
    new BerthError('DATA_MISMATCH', `${job.manifestKey}: ${what}; start the run again`);
  const expectedId = exampleSetIdOf(manifest.datasetId, job.examples, job.seed, job.exampleFormat);
  if (job.exampleSetId !== expectedId)
    throw mismatch(`dataset and settings give example set ${expectedId}, not ${job.exampleSetId}`);
  if (job.split === 'heldOut') {
    const shards = heldOutShardsOf(manifest);
    const heldOut = shards[job.shard];
    if (heldOut !== undefined && job.epoch === 0) return heldOut;
    throw mismatch(
      `no held-out shard ${job.shard} among ${shards.length} of epoch ${job.epoch}, which is to be 0`,
    );
  }
  const { examples, seed, epoch, shard } = job;
  const numShards = manifest.train.length;
  // By weights an epoch may read one several times.
  const shards = epochShardsOf({ ...manifest, ...examples, seed })(epoch);
  if (!shards.includes(shard))
    throw mismatch(`no shard ${shard} among the ${shards.length} of epoch ${epoch}`);
  return manifest.train[datasetShardOf(shard, numShards)]!;
}
