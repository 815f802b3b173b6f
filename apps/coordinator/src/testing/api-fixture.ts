import {
  BerthError,
  parseRunConfig,
  silentLogger,
  type MemberInfo,
  type MetricsLine,
  type RunConfig,
  type Services,
} from '@berth/contracts';
import { createS3ObjectStore, type S3ObjectStore } from '@berth/checkpoint';
import { createJobConsumer, createJobProducer } from '@berth/queue/jobs';
import { connectRedis, createRuns, type RedisConnection } from '@berth/queue';
import { onTestFinished } from 'vitest';
import { startServices } from './services.ts';
import { createLogSource } from '../events/log-source.ts';
import { createRunService } from '../runs/run-service.ts';
import { createHealthCheck } from '../reports/health.ts';
import { startApi, type ApiOptions } from '../http/start-api.ts';

export interface ApiFixture {
  readonly url: string;
  /** Every request but those of strangers carries it. */
  readonly token: string;
  readonly services: Services;
  readonly connection: RedisConnection;
  readonly store: S3ObjectStore;
  get(path: string, headers?: Record<string, string>): Promise<Response>;
  post(path: string, body?: unknown, headers?: Record<string, string>): Promise<Response>;
}

const testToken = '0123456789abcdef';
const authorization = `Bearer ${testToken}`;

/** The HTTP interface over a real Redis and bucket, without the controller that would act on what it is told. */
export async function startTestApi(
  options: Partial<Pick<ApiOptions, 'host' | 'names' | 'rates' | 'events'>> = {},
): Promise<ApiFixture> {
  const services = await startServices();
  const connection = await connectRedis(services.redisUrl, { role: 'producer' });
  const store = createS3ObjectStore(services.s3, silentLogger);
  const health = createHealthCheck(connection, store);
  const api = await startApi({
    coordinatorId: 'c1',
    connection,
    store,
    s3: services.s3,
    health,
    runs: createRunService(connection, store, { health }),
    logs: createLogSource(connection),
    host: '127.0.0.1',
    port: 0,
    token: testToken,
    logger: silentLogger,
    ...options,
  });
  onTestFinished(async () => {
    await api.close();
    connection.close();
    store.close();
  });
  return {
    url: api.url,
    token: testToken,
    services,
    connection,
    store,
    get: (path, headers = {}) =>
      fetch(`${api.url}${path}`, { headers: { authorization, ...headers } }),
    post: (path, body, headers = {}) =>
      fetch(`${api.url}${path}`, {
        method: 'POST',
        headers: {
          authorization,
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      }),
  };
}

export function configOf(name: string, change: object = {}): RunConfig {
  return parseRunConfig({ name, corpus: { path: '/text' }, ...change }, 'test');
}

export function lineOf(step: number, change: Partial<MetricsLine> = {}): MetricsLine {
  return {
    kind: 'step',
    attempt: 1,
    step,
    timeMs: 1_000 * (step + 1),
    loss: 10 / (step + 1),
    masked_lm_loss: 9 / (step + 1),
    masked_lm_accuracy: 0.5,
    next_sentence_loss: 1 / (step + 1),
    next_sentence_accuracy: 0.5,
    learningRate: 1e-4,
    gradientNorm: 1,
    numTokens: 1_000,
    stepMs: 100,
    ...change,
  };
}

export function memberOf(memberId: string, change: Partial<MemberInfo> = {}): MemberInfo {
  return {
    memberId,
    host: '127.0.0.1',
    port: 1,
    pid: 1,
    hostname: 'here',
    numerics: { tensorflow: '2', device: 'cpu', kernels: 'avx2', numThreads: 1 },
    startedAtMs: 1,
    state: 'training',
    runId: null,
    step: 0,
    complaint: null,
    rankMs: 10,
    residentBytes: 1_000,
    ...change,
  };
}

/** Makes this coordinator the leader, in the epoch 1, and a run the active one. */
export async function lead({ connection }: ApiFixture, runId: string): Promise<void> {
  await connection.client.hset('berth:lease', 'holder', 'c1', 'epoch', 1);
  await createRuns(connection).setActive(runId, undefined, 1);
}

/** Leaves a failed job in the queue. @returns its id */
export async function failJob({ services }: ApiFixture): Promise<string> {
  const jobs = await createJobProducer(services.redisUrl);
  const consumer = await createJobConsumer(services.redisUrl, {
    process: () => Promise.reject(new BerthError('DATA_CORPUS_EMPTY', 'there is no text')),
  });
  const id = await jobs.enqueue({
    kind: 'inventory',
    runId: 'failing',
    requestId: 'a'.repeat(64),
    askedAtMs: 1,
  });
  await jobs.waitForJob(id, { timeoutMs: 300_000 }).catch(() => undefined);
  await consumer.close();
  await jobs.close();
  return id;
}
