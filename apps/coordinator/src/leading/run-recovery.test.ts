import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import type { S3ObjectStore } from '@berth/checkpoint';
import { BerthError, parseRunConfig, silentLogger, type RunRecord } from '@berth/contracts';
import { exampleSetIdOf, prepareDataset, readDatasetManifest } from '@berth/data';
import { perform, RunSupervisor } from '@berth/protocol';
import { createJobConsumer, createJobProducer } from '@berth/queue/jobs';
import { createMembers, createRuns, openRun, type RedisConnection } from '@berth/queue';
import { temporaryFolder, waitFor } from '@berth/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { memberOf } from '../testing/api-fixture.ts';
import { openBackends, type Backends } from '../testing/services.ts';
import { RunRecordArchive } from './run-record-archive.ts';
import { createRunService } from '../runs/run-service.ts';
import { openRunPorts } from './run-ports.ts';

const moment = { fencingEpoch: 1, serverEpoch: 1, isLenient: false };
const patience = { intervalMs: 10 };

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

async function submitted(name: string, sections: object = {}): Promise<RunRecord> {
  const config = parseRunConfig({ name, corpus: { path: '/text' }, ...sections }, 'test');
  return (await createRunService(connection, store).submit(config, 'trained')).run;
}

describe('RunRecordArchive', () => {
  it('gives Redis back the runs that it has lost, and leaves the others alone', async () => {
    const runs = createRuns(connection);
    const lost = await submitted('lost');
    const archive = new RunRecordArchive(store, silentLogger);
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
    const archive = new RunRecordArchive(store, silentLogger);
    // As a coordinator does before there is any run.
    archive.note([]);
    await setImmediate();
    archive.note([record]);
    await waitFor(async () => (await store.head('run-records/cold.json')) !== undefined, {
      ...patience,
      what: 'the copy',
    });
    await connection.call((client) => client.flushall());
    await new RunRecordArchive(store, silentLogger).restore(runs);
    expect(await runs.read('cold')).toEqual(record);
  });

  it('brings back the others when a copy is cut off, or a record in Redis is', async () => {
    const runs = createRuns(connection);
    const record = await submitted('sound');
    const text = JSON.stringify(record);
    const put = (name: string, content: string): Promise<unknown> =>
      store.put(`run-records/${name}.json`, Buffer.from(content));
    await put('aaa-cut', text.slice(0, 40));
    await put('aaa-deep', '['.repeat(300_000) + ']'.repeat(300_000));
    await put('aaa-empty', '');
    await put(
      'aaa-not-its-own',
      JSON.stringify({ ...record, reason: 'of another', updatedAtMs: 1e15 }),
    );
    await put('later', JSON.stringify({ ...record, runId: 'later', ofLater: 1 }));
    await put('sound', text);
    await connection.call((client) => client.flushall());
    await new RunRecordArchive(store, silentLogger).restore(runs);
    expect(await runs.read('sound')).toEqual(record);
    expect(await runs.read('later')).toEqual({ ...record, runId: 'later' });
    await connection.call((client) => client.set('berth:{later}:record', '{'));
    await new RunRecordArchive(store, silentLogger).restore(runs);
    expect((await runs.list()).map(({ runId }) => runId)).toContain('sound');
  });
});

describe('RunRecordArchive after a restart of Redis', () => {
  it('puts back what Redis has forgotten of a run, and nothing that it knows better', async () => {
    const runs = createRuns(connection);
    await submitted('r');
    const old = await connection.client.getBuffer('berth:{r}:record');
    const stopped = await runs.change('r', () => ({ status: 'stopped', updatedAtMs: 1 }));
    const archive = new RunRecordArchive(store, silentLogger);
    archive.note([stopped]);
    await waitFor(async () => (await store.head('run-records/r.json')) !== undefined, {
      ...patience,
      what: 'the copy',
    });

    await connection.client.set('berth:{r}:record', old ?? '');
    const forgotten = await runs.change('r', () => undefined);
    expect(forgotten.status).toBe('queued');
    archive.note([forgotten]);
    await archive.restore(runs);
    expect((await runs.read('r'))?.status).toBe('queued');
    await new RunRecordArchive(store, silentLogger).restore(runs, { isOlder: true });
    expect(await runs.read('r')).toEqual(stopped);

    const resumed = await runs.change('r', () => ({ status: 'starting' }));
    await archive.restore(runs, { isOlder: true });
    expect(await runs.read('r')).toEqual(resumed);
  });
});

describe('RunSupervisor', () => {
  it('stops a run that no worker is left to save', async () => {
    const jobs = await createJobProducer(backends.services.redisUrl);
    const archive = new RunRecordArchive(store, silentLogger);
    const supervisor = new RunSupervisor(
      openRunPorts({ connection, store, archive, jobs, logger: silentLogger }, 'left'),
    );
    const record: RunRecord = { ...(await submitted('left')), status: 'stopping' };
    expect(await perform(supervisor.tick(record, moment))).toMatchObject({ status: 'stopped' });
    await jobs.close();
  });

  it('records what decides the bits before anyone trains, and trains beside a worker that it cannot read', async () => {
    const runId = 'mixed';
    const { path: folder } = await temporaryFolder();
    const corpus = join(folder, 'corpus.txt');
    await writeFile(
      corpus,
      'Sphinx of black quartz, judge my vow.\nIt slept.\n\nPack my box with five dozen liquor jugs.\nThey ran.\n',
    );
    const { config, ...rest } = await submitted(runId, {
      corpus: { path: corpus },
      vocabulary: { size: 64, minFrequency: 1 },
    });
    const { vocabulary, seed, examples } = config;
    const job = { ...config, kind: 'dataset', runId, numShards: 1, askedAtMs: 1 } as const;
    const manifestKey = await prepareDataset(
      { ...job, corpus: config.corpus!, vocabulary, seed },
      store,
    );
    const { datasetId } = await readDatasetManifest(store, manifestKey);
    const exampleSetId = exampleSetIdOf(datasetId, examples, seed);
    const record: RunRecord = { ...rest, config, status: 'starting', manifestKey, exampleSetId };
    await connection.client.hset('berth:lease', 'holder', 'c', 'epoch', 1);

    const ready = { state: 'idle', runId, step: -1 } as const;
    const numerics = { ...memberOf('w').numerics, fingerprint: 'f0' };
    const members = createMembers(connection, { ttlMs: 60_000 });
    const beat = async (): Promise<void> => {
      await members.heartbeat(memberOf('w', { ...ready, numerics }));
      await members.heartbeat({ ...memberOf('z', ready), state: 'dancing' as 'idle' });
    };
    const jobs = await createJobProducer(backends.services.redisUrl);
    const archive = new RunRecordArchive(store, silentLogger);
    const supervisor = new RunSupervisor(
      openRunPorts({ connection, store, archive, jobs, logger: silentLogger }, runId),
    );
    const { views } = openRun(connection, runId);
    await beat();
    expect(await perform(supervisor.tick(record, moment))).toMatchObject({ numerics });
    expect(await views.current()).toBeUndefined();
    await beat();
    await perform(supervisor.tick({ ...record, numerics }, moment));
    expect((await views.current())?.members).toMatchObject([{ memberId: 'w' }]);
    await beat();
    expect(
      await perform(supervisor.tick({ ...record, status: 'running', numerics }, moment)),
    ).toMatchObject({
      status: 'running',
      reason: expect.stringMatching(/z speaks another version: state: /) as string,
    });
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
    const archive = new RunRecordArchive(store, silentLogger);
    const supervisor = new RunSupervisor(
      openRunPorts({ connection, store, archive, jobs, logger: silentLogger }, 'bad'),
    );
    const record: RunRecord = { ...(await submitted('bad')), status: 'preparing' };
    const tickUntilItThrows = async (): Promise<boolean> => {
      await perform(supervisor.tick(record, moment));
      return false;
    };
    await expect(
      waitFor(tickUntilItThrows, { ...patience, what: 'the error' }),
    ).rejects.toMatchObject({ code: 'DATA_CORPUS_INVALID' });
    await consumer.close();
    await jobs.close();
  });
});
