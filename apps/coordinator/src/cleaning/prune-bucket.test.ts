import { createRuns } from '@berth/queue';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { entriesOf, recordOf, storeCheckpoint } from '../testing/made-up-run.ts';
import { openBackends, type Backends } from '../testing/services.ts';
import { createRunService } from '../runs/run-service.ts';

let backends: Backends;
beforeAll(async () => {
  backends = await openBackends();
});
beforeEach(async () => {
  await backends.connection.call((client) => client.flushall());
  for (const { key } of await backends.store.list('')) await backends.store.delete(key);
});
afterAll(() => backends.close());

const id = (digit: string): string => digit.repeat(64);
const query = { minAgeMs: 0 };

async function put(...keys: readonly string[]): Promise<void> {
  for (const key of keys) await backends.store.put(key, Buffer.from('{}'));
}

const keysLeft = async (): Promise<string[]> =>
  (await backends.store.list('')).map(({ key }) => key);

async function pruneAll(): Promise<void> {
  const service = createRunService(backends.connection, backends.store);
  while (!(await service.prune(query)).isDone);
}

it('deletes what nobody needs, and what it said, and nothing else', async () => {
  const { connection, store } = backends;
  const service = createRunService(connection, store);
  const own = `datasets/${id('a')}/`;
  // One that only a record in the bucket names, as Redis has lost it, and one that somebody put there.
  const kept = [
    `${own}manifest.json`,
    `${own}recipe.json`,
    `datasets/${id('b')}/manifest.json`,
    `datasets/${id('f')}/manifest.json`,
    `models/${id('e')}/manifest.json`,
    `examples/${id('d')}/train-e0-s0.bex`,
  ];
  const lost = [
    `datasets/${id('c')}/manifest.json`,
    `datasets/${id('c')}/recipe.json`,
    `plans/${id('1')}/plan.json`,
    `preparations/${id('2')}.json`,
    `${own}runs/split.json`,
    `vocabularies/given-${id('3')}`,
    `examples/${id('4')}/train-e0-s0.bex`,
  ];
  await put(...kept, ...lost);
  const named = { manifestKey: `${own}manifest.json`, exampleSetId: id('d') };
  await createRuns(connection).create(recordOf('mine', { status: 'completed', ...named }));
  await storeCheckpoint(store, 'mine', entriesOf(3, { fencingEpoch: 1, viewVersion: 1 }));
  const lostRecord = recordOf('lost', {
    status: 'stopped',
    manifestKey: `datasets/${id('b')}/manifest.json`,
  });
  await store.put('run-records/lost.json', Buffer.from(JSON.stringify(lostRecord)));
  const before = await keysLeft();
  expect((await service.pruning({ minAgeMs: 60_000 })).parts).toEqual([]);
  const report = await service.pruning(query);
  expect(report.parts.map(({ kind, numObjects }) => [kind, numObjects])).toEqual([
    ['datasets', 2],
    ['examples', 1],
    ['leftovers', 1],
    ['plans', 1],
    ['preparations', 1],
    ['vocabularies', 1],
  ]);
  expect(await keysLeft()).toEqual(before);
  await pruneAll();
  expect(await keysLeft()).toEqual(before.filter((key) => !lost.includes(key)));
});

it('waits for a run that makes its data', async () => {
  await put(`plans/${id('1')}/plan.json`);
  const making = recordOf('making', { status: 'preparing', manifestKey: null });
  await createRuns(backends.connection).create(making);
  const service = createRunService(backends.connection, backends.store);
  expect(await service.prune(query)).toEqual({ isDone: false, parts: [], waitsFor: ['making'] });
  expect(await keysLeft()).toEqual([`plans/${id('1')}/plan.json`]);
});
