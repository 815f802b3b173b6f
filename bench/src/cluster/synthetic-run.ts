import { createHash } from 'node:crypto';
import {
  genesisHead,
  parseRunConfig,
  silentLogger,
  trainingHash,
  type CheckpointManifest,
  type LedgerSegment,
  type MemberInfo,
  type MetricsLine,
  type ObjectStore,
  type RunConfig,
} from '@berth/contracts';
import { shardKey, storedLedger, writeManifest } from '@berth/checkpoint';
import { newAttempt } from '@berth/protocol';
import { runRecord } from '@berth/protocol/testing';
import { createMembers, createRuns, openRun, type RedisConnection } from '@berth/queue';
import { storeLedger } from './synthetic-ledger.ts';

export interface SyntheticRun {
  readonly runId: string;
  readonly numSteps: number;
  readonly numWorkers: number;
}

const atOnce = 500;
const numCheckpoints = 20;
const globalBatch = 256;
export const numerics = { tensorflow: '2.21.0', device: 'cpu', kernels: 'avx2', numThreads: 1 };
const digest = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Puts a run that has trained for long into the stores, as its processes would have. */
export async function loadRun(
  connection: RedisConnection,
  store: ObjectStore,
  { runId, numSteps }: SyntheticRun,
): Promise<void> {
  const config = parseRunConfig(
    {
      name: runId,
      corpus: { path: '/text' },
      train: { numSteps: 2 * numSteps, virtualRanks: 64, checkpointEverySteps: 5_000 },
    },
    'benchmark',
  );
  const startedAtMs = Date.now() - 100 * numSteps;
  await createRunRecord(connection, store, config, startedAtMs);
  const { metrics: log } = openRun(connection, runId, { maxMetricsLines: 2 * numSteps });
  for (let step = 0; step < numSteps; step += atOnce)
    await Promise.all(
      Array.from({ length: Math.min(atOnce, numSteps - step) }, (_, index) =>
        log.append(lineOf(step + index, startedAtMs)),
      ),
    );
  const ledger = { runId, numSteps, globalBatch, memberIds: ['w'], startedAtMs };
  const { segments, head } = await storeLedger(store, ledger);
  for (let index = 1; index < numCheckpoints; index++)
    await saveCheckpoint(store, config, Math.floor((index * numSteps) / numCheckpoints));
  const manifest = await saveCheckpoint(store, config, numSteps, segments, head);
  await connection.client.hset('berth:lease', 'epoch', 1);
  await openRun(connection, runId).ledger.restore(storedLedger(store, manifest), 1);
}

/** Lets members live until the signal. */
export async function keepMembers(
  connection: RedisConnection,
  { runId, numWorkers, numSteps }: SyntheticRun,
  signal: AbortSignal,
): Promise<void> {
  const members = createMembers(connection);
  while (!signal.aborted) {
    await Promise.all(
      Array.from({ length: numWorkers }, (_, index) =>
        members.heartbeat(memberOf(index, runId, numSteps)),
      ),
    );
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

export async function createRunRecord(
  connection: RedisConnection,
  store: ObjectStore,
  config: RunConfig,
  startedAtMs: number,
): Promise<void> {
  const datasetKey = 'datasets/bench/manifest.json';
  const part = (name: string) => ({
    key: `datasets/bench/${name}`,
    sizeBytes: 1,
    sha256: digest(name),
  });
  const shard = (name: string) => ({
    ...part(name),
    numDocuments: 1,
    numSentences: 1,
    numTokens: 1,
  });
  const dataset = {
    format: 'berth-dataset/1',
    datasetId: digest('dataset'),
    corpusDigest: digest('corpus'),
    vocabulary: { ...part('vocabulary'), numTokens: 1 },
    doLowerCase: true,
    heldOutRatio: 0.02,
    train: [shard('train')],
    heldOut: shard('held-out'),
  };
  await store.put(datasetKey, Buffer.from(JSON.stringify(dataset)));
  const runs = createRuns(connection);
  const runId = config.name;
  await runs.create(
    runRecord(runId, {
      config,
      reason: 'trains',
      createdAtMs: startedAtMs,
      updatedAtMs: startedAtMs,
      attempts: [newAttempt(1, 0, startedAtMs)],
      manifestKey: datasetKey,
      exampleSetId: 'bench',
      numerics,
    }),
  );
  await runs.setActive(runId, undefined, 0);
}

function lineOf(step: number, startedAtMs: number): MetricsLine {
  const noise = Math.sin(step * 12.9898) * 0.2;
  const loss = 2 + 8 * Math.exp(-step / 20_000) + noise;
  return {
    kind: 'step',
    attempt: 1,
    step,
    timeMs: startedAtMs + 100 * step,
    loss,
    masked_lm_loss: loss - 0.5,
    masked_lm_accuracy: 0.5 + noise,
    next_sentence_loss: 0.5,
    next_sentence_accuracy: 0.75 + noise / 2,
    learningRate: 1e-4 * (1 - step / 1e6),
    gradientNorm: 1 + noise,
    numTokens: 32_768,
    stepMs: 100 + 50 * noise,
    dataMs: 1 + noise,
    computeMs: 80 + noise,
    reduceMs: 15 + noise,
    commitMs: 2 + noise,
    applyMs: 2 + noise,
  };
}

async function saveCheckpoint(
  store: ObjectStore,
  config: RunConfig,
  step: number,
  ledger: LedgerSegment[] = [],
  ledgerHead: string = genesisHead,
): Promise<CheckpointManifest> {
  const runId = config.name;
  const body = Buffer.from(`weights of step ${step}`);
  const sha256 = createHash('sha256').update(body).digest('hex');
  const line = { runId, attempt: 1, fencingEpoch: 1 };
  const key = shardKey(line, step, { kind: 'weights', index: 0, sha256 });
  await store.put(key, body);
  const manifest: CheckpointManifest = {
    format: 'berth-checkpoint/2',
    runId,
    step,
    cursor: { epoch: 0, index: globalBatch * step },
    seed: config.seed,
    trainingHash: trainingHash(config),
    datasetId: digest('dataset'),
    exampleSetId: 'bench',
    numerics,
    fencingEpoch: 1,
    ledgerHead,
    ledger,
    weightsDigest: sha256,
    model: {},
    shards: [{ key, sizeBytes: body.length, sha256, kind: 'weights', index: 0, tensors: ['w'] }],
    createdAtMs: Date.now(),
  };
  await writeManifest(store, 1, manifest, silentLogger);
  return manifest;
}

function memberOf(index: number, runId: string, step: number): MemberInfo {
  return {
    memberId: `worker-${String(index).padStart(2, '0')}-abcdef`,
    host: '127.0.0.1',
    port: 20_000 + index,
    pid: 10_000 + index,
    hostname: `machine-${index % 8}`,
    numerics,
    startedAtMs: 1,
    state: 'training',
    runId,
    step,
    complaint: null,
    rankMs: 80 + (index % 7),
    residentBytes: 1e9,
  };
}
