import { setTimeout as sleep } from 'node:timers/promises';
import type { S3ObjectStore } from '@berth/checkpoint';
import { BerthError, parseRunConfig, silentLogger, type RunRecord } from '@berth/contracts';
import {
  createJobConsumer,
  createJobProducer,
  createRuns,
  type RedisConnection,
} from '@berth/queue';
import { waitFor } from '@berth/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openBackends, type Backends } from './testing/services.ts';
import { RunArchive } from './run-archive.ts';
import { createRunService } from './run-service.ts';
import { RunSupervisor } from './run-supervisor.ts';

const moment = { fencingEpoch: 1, isLenient: false };
const patience = { timeoutMs: 10_000, intervalMs: 10 };

let backends: Backends;
let connection: RedisConnection;
let store: S3ObjectStore;

beforeAll(async () => {
  backends = await openBackends();
  ({ connection, store } = backends);
});

beforeEach(async () => {
  await connection.call((client) => client.flushall());
});

afterAll(() => backends.close());

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

  it('brings back the others when a copy is cut off, or a record in Redis is', async () => {
    const runs = createRuns(connection);
    const record = await submitted('sound');
    const text = JSON.stringify(record);
    const put = (name: string, content: string): Promise<unknown> =>
      store.put(`run-records/${name}.json`, Buffer.from(content));
    await put('aaa-cut', text.slice(0, 40));
    await put('later', JSON.stringify({ ...record, runId: 'later', ofLater: 1 }));
    await put('sound', text);
    await connection.call((client) => client.flushall());
    await new RunArchive(store, silentLogger).restore(runs);
    expect(await runs.read('sound')).toEqual(record);
    expect(await runs.read('later')).toEqual({ ...record, runId: 'later' });
    await connection.call((client) => client.set('berth:{later}:record', '{'));
    await new RunArchive(store, silentLogger).restore(runs);
    expect((await runs.list()).map(({ runId }) => runId)).toContain('sound');
  });
});

describe('RunSupervisor', () => {
  it('stops a run that no worker is left to save', async () => {
    const jobs = await createJobProducer(backends.services.redisUrl);
    const supervisor = new RunSupervisor({ connection, store, jobs, logger: silentLogger }, 'left');
    const record: RunRecord = { ...(await submitted('left')), status: 'stopping' };
    expect(await supervisor.tick(record, moment)).toMatchObject({ status: 'stopped' });
    await jobs.close();
  });

  it('ends a run whose corpus turns out to be bad only after a while', async () => {
    const jobs = await createJobProducer(backends.services.redisUrl);
    const consumer = await createJobConsumer(backends.services.redisUrl, {
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
