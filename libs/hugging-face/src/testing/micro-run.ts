import {
  createS3ObjectStore,
  planShards,
  uploadLedgerSegment,
  uploadShards,
  weightsDigest,
  writeManifest,
  type S3ObjectStore,
} from '@berth/checkpoint';
import {
  sha256Hex,
  silentLogger,
  type FineTuning,
  type LabelledDataset,
  type LedgerEntry,
  type ObjectStore,
  type ParameterSpec,
  type StoredPart,
} from '@berth/contracts';
import { numParametersOf } from '@berth/model';
import { startS3Server } from '@berth/s3-server';
import { temporaryFolder } from '@berth/testing';
import { onTestFinished } from 'vitest';
import { microLayout, microModel, microTokens, microWeights } from './micro-folder.ts';

const runId = 'micro';
const datasetId = sha256Hex('dataset');

/** A bucket of the test's own, with the dataset of a micro run. */
export async function startMicroBucket(): Promise<S3ObjectStore> {
  const { path: folder } = await temporaryFolder();
  const credentials = { accessKeyId: 'test-key', secretAccessKey: 'test-secret' };
  const server = await startS3Server({ folder, ...credentials });
  const place = { endpoint: server.endpoint, region: 'us-east-1', bucket: 'box', prefix: '' };
  const store = createS3ObjectStore({ ...place, ...credentials }, silentLogger);
  onTestFinished(() => server.close());
  onTestFinished(() => store.close());
  await store.ensureBucket();
  await storeMicroDataset(store);
  return store;
}

export async function storeMicroDataset(store: ObjectStore): Promise<void> {
  const put = async (name: string, text: string): Promise<StoredPart> => {
    const bytes = Buffer.from(text);
    const key = `datasets/${datasetId}/${name}`;
    await store.put(key, bytes);
    return { key, sizeBytes: bytes.byteLength, sha256: sha256Hex(bytes) };
  };
  const vocabulary = await put('vocab.txt', microTokens.map((token) => `${token}\n`).join(''));
  const shard = { ...(await put('shard', '-')), numDocuments: 1, numSentences: 1, numTokens: 1 };
  const manifest = {
    format: 'berth-dataset/1',
    datasetId,
    corpusDigest: sha256Hex('corpus'),
    vocabulary: { ...vocabulary, numTokens: microTokens.length },
    doLowerCase: true,
    heldOutRatio: 0.1,
    train: [shard],
    heldOut: shard,
  };
  await put('manifest.json', JSON.stringify(manifest));
}

export const microFineTuning: FineTuning = { kind: 'classify', labels: ['no', 'yes'] };

/** Stores the dataset again as one of labelled examples, so that checkpoints are of a model that was fine-tuned on it. */
export async function storeMicroLabelledDataset(store: ObjectStore): Promise<void> {
  const bytes = Buffer.from(microTokens.map((token) => `${token}\n`).join(''));
  const sha256 = sha256Hex(bytes);
  const vocabulary = {
    key: `datasets/${datasetId}/vocab.txt`,
    sizeBytes: bytes.byteLength,
    sha256,
    numTokens: microTokens.length,
  };
  const exampleSetId = sha256Hex('examples');
  const shard = {
    key: `examples/${exampleSetId}/shard`,
    sizeBytes: 1,
    sha256,
    epoch: 0,
    shard: 0,
    numTokens: 90,
    numPredictions: 9,
  };
  const manifest: LabelledDataset = {
    format: 'berth-labelled-dataset/1',
    datasetId,
    fineTuning: microFineTuning,
    vocabulary,
    doLowerCase: true,
    maxSeqLength: 16,
    exampleSetId,
    train: [{ ...shard, split: 'train', numExamples: 1200 }],
    heldOut: { ...shard, split: 'heldOut', numExamples: 30 },
    heldOutRows: { key: `datasets/${datasetId}/rows`, sizeBytes: 1, sha256 },
    labelCounts: [700, 500],
    files: [],
  };
  await store.put(`datasets/${datasetId}/manifest.json`, Buffer.from(JSON.stringify(manifest)));
}

/** The weights of a micro run after some steps. */
export function microWeightsAt(step: number): Float32Array {
  return microWeights.map((value) => value * step);
}

/** Stores a checkpoint of the micro run. @returns the keys of its files */
export async function storeMicroCheckpoint(
  store: ObjectStore,
  step: number,
  layout: readonly ParameterSpec[] = microLayout,
): Promise<string[]> {
  const line = { runId, attempt: 1, fencingEpoch: 1 };
  const weights = microWeightsAt(step).slice(0, numParametersOf(layout));
  const state = { step, weights, firstMoments: weights, secondMoments: weights };
  const shards = await uploadShards(store, line, planShards(layout, 2048), state);
  const entries = Array.from({ length: step }, (_, index) => entryOf(index));
  await writeManifest(
    store,
    1,
    {
      format: 'berth-checkpoint/1',
      runId,
      step,
      cursor: { epoch: 0, index: 8 * step },
      seed: 1,
      trainingHash: 'training',
      datasetId,
      exampleSetId: 'examples',
      numerics: { tensorflow: '2.21.0', device: 'cpu', kernels: 'avx2', numThreads: 1 },
      fencingEpoch: 1,
      ledgerHead: entries.at(-1)!.head,
      ledger: [await uploadLedgerSegment(store, line, step, entries)],
      weightsDigest: await weightsDigest(weights),
      model: { ...microModel },
      shards,
      createdAtMs: 1,
    },
    silentLogger,
  );
  return shards.map(({ key }) => key);
}

function entryOf(step: number): LedgerEntry {
  return {
    step,
    from: { epoch: 0, index: 8 * step },
    to: { epoch: 0, index: 8 * step + 8 },
    numExamples: 8,
    gradientDigest: sha256Hex(`gradient ${step}`).slice(0, 16),
    fencingEpoch: 1,
    viewVersion: 1,
    members: ['a'],
    sums: {
      maskedLmLoss: 4,
      maskedLmCorrect: 1,
      maskedWeight: 2,
      nextSentenceLoss: 4,
      nextSentenceCorrect: 6,
      classifyLoss: 4,
      classifyCorrect: 6,
      labelWeight: 8,
      numExamples: 8,
      numTokens: 100,
    },
    committedAtMs: 1,
    head: sha256Hex(`head ${step}`).slice(0, 40),
  };
}
