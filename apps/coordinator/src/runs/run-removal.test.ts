import { isFinal, silentLogger, type ObjectStore, type RunRecord } from '@berth/contracts';
import { exampleShardKey } from '@berth/data';
import { createExampleIndex, createRuns, openRun } from '@berth/queue';
import { waitFor } from '@berth/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { RunRecordArchive } from '../leading/run-record-archive.ts';
import { RunRemoval } from './run-removal.ts';
import { createRunService } from './run-service.ts';
import { lineOf } from '../testing/api-fixture.ts';
import { entriesOf, recordOf, storeCheckpoint } from '../testing/made-up-run.ts';
import { openBackends, type Backends } from '../testing/services.ts';

let backends: Backends;
beforeAll(async () => {
  backends = await openBackends();
});
beforeEach(async () => {
  await backends.connection.call((client) => client.flushall());
  for (const { key } of await backends.store.list('')) await backends.store.delete(key);
});
afterAll(() => backends.close());

const sha = (digit: string): string => digit.repeat(64);
const datasetKey = (digit: string): string => `datasets/${sha(digit)}/manifest.json`;

/** A run with a checkpoint, metrics, a dataset and an example shard. */
async function made(runId: string, data: string, change: Partial<RunRecord> = {}) {
  const { connection, store } = backends;
  const manifestKey = datasetKey(data);
  const exampleSetId = sha(data);
  const record = recordOf(runId, { status: 'stopped', manifestKey, exampleSetId, ...change });
  await createRuns(connection).create(record);
  await storeCheckpoint(store, runId, entriesOf(3, { fencingEpoch: 1, viewVersion: 1 }));
  await store.put(`runs/${runId}/attempt-1/metrics-000001.jsonl`, Buffer.from('{}'));
  await openRun(connection, runId).metrics.append(lineOf(1));
  for (const key of [manifestKey, `datasets/${sha(data)}/vocab.txt`])
    await store.put(key, Buffer.from(key));
  const place = { split: 'train', epoch: 0, shard: 0 } as const;
  const key = exampleShardKey({ exampleSetId, ...place });
  await store.put(key, Buffer.from(key));
  const facts = { sha256: sha('a'), sizeBytes: 1, numTokens: 1, numPredictions: 1 };
  await createExampleIndex(connection, exampleSetId).put({
    key,
    ...place,
    ...facts,
    numExamples: 1,
  });
  return record;
}

const service = () => createRunService(backends.connection, backends.store);
const keysInStore = async (): Promise<string[]> =>
  (await backends.store.list('')).map(({ key }) => key);
const keysInRedis = (): Promise<string[]> => backends.connection.call((client) => client.keys('*'));

async function removeAll(runId: string): Promise<void> {
  while (!(await service().remove(runId)).isDone);
}

describe('removing a run', () => {
  it('says what goes, and takes all of it and nothing else', async () => {
    await made('mine', 'a');
    await made('mine-too', 'b');
    const [store, redis] = [await keysInStore(), await keysInRedis()];
    const report = await service().removal('mine');
    expect(report).toMatchObject({ runId: 'mine', status: 'stopped', isDone: false, kept: [] });
    expect(report.parts.map(({ name, numObjects }) => [name, numObjects])).toEqual([
      ['checkpoints', 2],
      ['ledger', 1],
      ['metrics', 1],
      ['dataset', 2],
      ['examples', 1],
    ]);
    expect(await keysInStore()).toEqual(store);
    await removeAll('mine');
    const isOfMine = (key: string): boolean =>
      ['runs/mine/', `datasets/${sha('a')}`, `examples/${sha('a')}`].some((prefix) =>
        key.startsWith(prefix),
      );
    expect(await keysInStore()).toEqual(store.filter((key) => !isOfMine(key)));
    expect((await keysInRedis()).sort()).toEqual(
      redis.filter((key) => !/\{mine\}|\{a+\}/.test(key)).sort(),
    );
    await expect(service().report('mine')).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' });
    expect((await service().report('mine-too')).run.status).toBe('stopped');
  });

  it.each([
    [
      'of a run with the same data',
      { status: 'completed', manifestKey: datasetKey('a'), exampleSetId: sha('a') },
    ],
    [
      'of a run that may be making the same',
      { status: 'preparing', manifestKey: null, exampleSetId: null },
    ],
  ] as const)('leaves the data %s', async (_case, change) => {
    await made('mine', 'a');
    await createRuns(backends.connection).create(recordOf('other', change));
    expect((await service().removal('mine')).kept).toEqual([
      'dataset: other may use it',
      'examples: other may use it',
    ]);
    await removeAll('mine');
    expect(await keysInStore()).toEqual([
      datasetKey('a'),
      `datasets/${sha('a')}/vocab.txt`,
      `examples/${sha('a')}/train-e0-s0.bex`,
    ]);
    expect(await createExampleIndex(backends.connection, sha('a')).count()).toBe(1);
    await removeAll('other').catch(() => undefined);
  });

  it('leaves the data alone while there is a run that it cannot read', async () => {
    await made('mine', 'a');
    await made('foreign', 'b');
    await backends.connection.client.set('berth:{foreign}:record', '{"of":"a later release"}');
    await removeAll('mine');
    expect(await keysInStore()).toContain(datasetKey('a'));
  });

  it('is refused while the run has not ended, unless no cluster runs', async () => {
    await made('busy', 'a', { status: 'running' });
    const store = await keysInStore();
    for (const ask of ['removal', 'remove'] as const)
      await expect(service()[ask]('busy')).rejects.toMatchObject({
        code: 'RUN_STATE_CONFLICT',
        message: 'Run "busy" is running; stop it before it is removed: berth stop busy',
      });
    expect(await keysInStore()).toEqual(store);
    expect((await service().remove('busy', { isAtRest: true })).isDone).toBe(true);
  });

  it('goes on after it was broken off, and until then the run can do nothing else', async () => {
    const { config } = await made('half', 'a');
    let numLeft = 3;
    const failing: ObjectStore = {
      ...backends.store,
      list: (prefix) => backends.store.list(prefix),
      delete: async (key) => {
        if (numLeft-- <= 0) throw new Error('killed');
        await backends.store.delete(key);
      },
    };
    await expect(new RunRemoval(backends.connection, failing).remove('half')).rejects.toThrow(
      'killed',
    );
    const { run, controls } = await service().report('half');
    expect(isFinal(run.status) && run.requests.remove).toBe(true);
    expect(controls.resume).toEqual({ isEnabled: false, reason: 'it is being removed' });
    await expect(service().submit(config, 'trained')).rejects.toThrow(/is being removed/);
    await removeAll('half');
    expect(await keysInStore()).toEqual([]);
    expect((await service().submit(config, 'trained')).run).toMatchObject({
      status: 'queued',
      attempts: [{ attempt: 1 }],
    });
  });

  it('is not undone by a coordinator that knew the run', async () => {
    const archive = new RunRecordArchive(backends.store, silentLogger);
    const record = await made('known', 'a');
    archive.note([record]);
    await waitFor(async () => (await keysInStore()).includes('run-records/known.json'), {
      what: 'the copy of the record',
    });
    await removeAll('known');
    const runs = createRuns(backends.connection);
    await archive.restore(runs, { isOlder: true });
    expect(await runs.list()).toEqual([]);
    archive.note([]);
    expect(await keysInStore()).toEqual([]);
  });
});
