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
  type LedgerEntry,
  type ObjectStore,
  type StoredPart,
} from '@berth/contracts';
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

/** The weights of a micro run after some steps. */
export function microWeightsAt(step: number): Float32Array {
  return microWeights.map((value) => value * step);
}

/** Stores a checkpoint of the micro run. @returns the keys of its files */
export async function storeMicroCheckpoint(store: ObjectStore, step: number): Promise<string[]> {
  const line = { runId, attempt: 1, fencingEpoch: 1 };
  const weights = microWeightsAt(step);
  const state = { step, weights, firstMoments: weights, secondMoments: weights };
  const shards = await uploadShards(store, line, planShards(microLayout, 2048), state);
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
      numExamples: 8,
      numTokens: 100,
    },
    committedAtMs: 1,
    head: sha256Hex(`head ${step}`).slice(0, 40),
  };
}
