import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  genesisHead,
  sha256Hex,
  silentLogger,
  type CheckpointManifest,
  type LedgerEntry,
  type Logger,
  type ObjectStore,
  type ParameterSpec,
  type TrainingState,
} from '@berth/contracts';
import { startS3Server } from '@berth/s3-server';
import { onTestFinished } from 'vitest';
import { weightsDigest } from '../digest.ts';
import type { Line } from '../keys.ts';
import { uploadLedgerSegment } from '../ledger-segment.ts';
import { planShards } from '../plan.ts';
import { createS3ObjectStore, type S3ObjectStore } from '../s3/s3-object-store.ts';
import type { S3ObjectStoreOptions } from '../s3/s3-options.ts';
import { uploadShards, writeManifest } from '../write.ts';

export const testCredentials = { accessKeyId: 'test-key', secretAccessKey: 'test-secret' };

/** A store in a real S3 server over a fresh folder; all gone when the test ends. */
export async function startTestStore(
  options: Partial<S3ObjectStoreOptions> = {},
  logger: Logger = silentLogger,
): Promise<{ store: S3ObjectStore; endpoint: string; folder: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'berth-checkpoint-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const server = await startS3Server({ folder, ...testCredentials });
  onTestFinished(() => server.close());
  const store = openTestStore(server.endpoint, options, logger);
  await store.ensureBucket();
  return { store, endpoint: server.endpoint, folder: join(folder, 'box', 'team') };
}

export function openTestStore(
  endpoint: string,
  options: Partial<S3ObjectStoreOptions> = {},
  logger: Logger = silentLogger,
): S3ObjectStore {
  const store = createS3ObjectStore(
    {
      endpoint,
      region: 'us-east-1',
      bucket: 'box',
      prefix: 'team',
      ...testCredentials,
      ...options,
    },
    logger,
  );
  onTestFinished(() => store.close());
  return store;
}

const shapes: [string, number[]][] = [
  ['bert/embeddings/word_embeddings', [10, 4]],
  ['bert/embeddings/LayerNorm/gamma', [4]],
  ['bert/encoder/layer_0/kernel', [4, 8]],
  ['cls/predictions/output_bias', [10]],
];

export const testLayout: readonly ParameterSpec[] = layoutOf(shapes);

export function layoutOf(parameters: readonly [string, number[]][]): ParameterSpec[] {
  let offset = 0;
  return parameters.map(([name, shape]) => {
    const size = shape.reduce((product, length) => product * length, 1);
    const spec = { name, shape, offset, size, decayed: true };
    offset += size;
    return spec;
  });
}

/** A state of round and odd numbers that differs for every step. */
export function stateAt(step: number, layout = testLayout): TrainingState {
  const size = layout.reduce((sum, parameter) => sum + parameter.size, 0);
  const fill = (scale: number): Float32Array =>
    Float32Array.from({ length: size }, (_, index) => Math.sin(index + scale * (step + 1)));
  return { step, weights: fill(1.1), firstMoments: fill(2.3), secondMoments: fill(3.7) };
}

export function ledgerUpTo(step: number): LedgerEntry[] {
  return Array.from({ length: step }, (_, index) => ({
    step: index,
    from: { epoch: 0, index: index * 8 },
    to: { epoch: 0, index: index * 8 + 8 },
    numExamples: 8,
    gradientDigest: sha256Hex(`gradient ${index}`).slice(0, 16),
    fencingEpoch: 1,
    viewVersion: 1,
    members: ['a'],
    sums: {
      maskedLmLoss: 1 / (index + 3),
      maskedLmCorrect: 1,
      maskedWeight: 2,
      nextSentenceLoss: 0.5,
      nextSentenceCorrect: 3,
      numExamples: 8,
      numTokens: 100,
    },
    committedAtMs: 1,
    head: sha256Hex(`head ${index}`).slice(0, 40),
  }));
}

/** Small enough for several shards of each kind. */
export const testShardBytes = 200;

export const testLine: Line = { runId: 'run', attempt: 1, fencingEpoch: 1 };

/** Stores every part of a checkpoint and returns the manifest that would make it visible. */
export async function storeParts(
  store: ObjectStore,
  step: number,
  options: { state?: TrainingState; fencingEpoch?: number; attempt?: number } = {},
): Promise<CheckpointManifest> {
  const { fencingEpoch = 1, attempt = 1 } = options;
  const line = { runId: 'run', attempt, fencingEpoch };
  const state = options.state ?? stateAt(step);
  const shards = planShards(testLayout, testShardBytes);
  const entries = ledgerUpTo(step);
  return {
    format: 'berth-checkpoint/2',
    runId: 'run',
    step,
    cursor: { epoch: 0, index: step * 8 },
    seed: 1,
    trainingHash: 'training',
    datasetId: 'dataset',
    exampleSetId: 'examples',
    numerics: { tensorflow: '2', device: 'cpu', kernels: 'k', numThreads: 1 },
    fencingEpoch,
    ledgerHead: entries.at(-1)?.head ?? genesisHead,
    ledger: step === 0 ? [] : [await uploadLedgerSegment(store, line, step, entries)],
    weightsDigest: await weightsDigest(state.weights),
    model: { hiddenSize: 4 },
    shards: await uploadShards(store, line, shards, state),
    createdAtMs: 1,
  };
}

export async function storeCheckpoint(
  store: ObjectStore,
  step: number,
  { attempt = 1, fencingEpoch = 1 } = {},
): Promise<CheckpointManifest> {
  const manifest = await storeParts(store, step, { attempt, fencingEpoch });
  await writeManifest(store, attempt, manifest, silentLogger);
  return manifest;
}
