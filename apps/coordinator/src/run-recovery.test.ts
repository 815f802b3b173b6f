import { setTimeout as sleep } from 'node:timers/promises';
import { createS3ObjectStore, type S3ObjectStore } from '@berth/checkpoint';
import { BerthError, parseRunConfig, silentLogger, type RunRecord } from '@berth/contracts';
import {
  connectRedis,
  createJobConsumer,
  createJobProducer,
  createRuns,
  type RedisConnection,
} from '@berth/queue';
import { startS3Server } from '@berth/s3-server';
import { startTestRedis, temporaryFolder, waitFor } from '@berth/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { RunArchive } from './run-archive.ts';
import { createRunService } from './run-service.ts';
import { RunSupervisor } from './run-supervisor.ts';

const credentials = { accessKeyId: 'test', secretAccessKey: 'secret' };
const moment = { fencingEpoch: 1, isLenient: false };
const patience = { timeoutMs: 10_000, intervalMs: 10 };

let redis: Awaited<ReturnType<typeof startTestRedis>>;
let connection: RedisConnection;
let server: Awaited<ReturnType<typeof startS3Server>>;
let store: S3ObjectStore;

beforeAll(async () => {
  redis = await startTestRedis();
  connection = await connectRedis(redis.url, { role: 'producer' });
  server = await startS3Server({ folder: (await temporaryFolder()).path, ...credentials });
  const { endpoint } = server;
  const place = { endpoint, region: 'us-east-1', bucket: 'test', ...credentials };
  store = createS3ObjectStore(place, silentLogger);
  await store.ensureBucket();
});

beforeEach(async () => {
  await connection.call((client) => client.flushall());
});

afterAll(async () => {
  connection.close();
  await redis.stop();
  store.close();
  await server.close();
});

async function submitted(name: string): Promise<RunRecord> {
  const config = parseRunConfig({ name, corpus: { path: '/text' } }, 'test');
  return (await createRunService(connection, store).submit(config, 'trained')).run;
}

describe('RunArchive', () => {
  it('gives Redis back the runs that it has lost, and leaves the others alone', async () => {
    const runs = createRuns(connection);
    const lost = await submitted('lost');
    const archive = new RunArchive(store, silentLogger);
    archive.note([lost]);
    await connection.call((client) => client.flushall());
    const kept = await submitted('kept');
    await archive.restore(runs);
    expect(await runs.read('lost')).toEqual(lost);
    expect(await runs.read('kept')).toEqual(kept);
  });

  it('finds them in the bucket when the coordinator is new too', async () => {
    const runs = createRuns(connection);
    const record = await submitted('cold');
    new RunArchive(store, silentLogger).note([record]);
    await waitFor(async () => (await store.head('run-records/cold.json')) !== undefined, {
      ...patience,
      what: 'the copy',
    });
    await connection.call((client) => client.flushall());
    await new RunArchive(store, silentLogger).restore(runs);
    expect(await runs.read('cold')).toEqual(record);
  });
});

describe('RunSupervisor', () => {
  it('stops a run that no worker is left to save', async () => {
    const jobs = await createJobProducer(redis.url);
    const supervisor = new RunSupervisor({ connection, store, jobs, logger: silentLogger }, 'left');
    const record: RunRecord = { ...(await submitted('left')), status: 'stopping' };
    expect(await supervisor.tick(record, moment)).toMatchObject({ status: 'stopped' });
    await jobs.close();
  });

  it('ends a run whose corpus turns out to be bad only after a while', async () => {
    const jobs = await createJobProducer(redis.url);
    const consumer = await createJobConsumer(redis.url, {
      process: async () => {
        await sleep(200);
        throw new BerthError('DATA_CORPUS_INVALID', 'not UTF-8');
      },
    });
    const supervisor = new RunSupervisor({ connection, store, jobs, logger: silentLogger }, 'bad');
    const record: RunRecord = { ...(await submitted('bad')), status: 'preparing' };
    const tickUntilItThrows = async (): Promise<boolean> => {
      await supervisor.tick(record, moment);
      return false;
    };
    await expect(
      waitFor(tickUntilItThrows, { ...patience, what: 'the error' }),
    ).rejects.toMatchObject({ code: 'DATA_CORPUS_INVALID' });
    await consumer.close();
    await jobs.close();
  });
});
