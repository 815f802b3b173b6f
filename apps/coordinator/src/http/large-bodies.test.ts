import { createMembers } from '@berth/queue';
import { expect, it } from 'vitest';
import { configOf, memberOf, startTestApi, type ApiFixture } from '../testing/api-fixture.ts';
import { longestStall } from '../testing/longest-stall.ts';

const numKeys = 40;
/** Leases are kept by the same event loop, and lost after 1.5 s. */
const longestStallMs = 100;
const plenty = { perSecond: 1e6, burst: 1e6 };

const start = (): Promise<ApiFixture> =>
  startTestApi({ rates: { writes: plenty, expensiveReads: plenty, badTokens: plenty } });

function unknownKeys(keyLength: number): string[] {
  return Array.from({ length: numKeys }, (_, index) =>
    String(index).padStart(keyLength, 'corpus_'),
  );
}

it.for([
  ['refuses bodies of 200 KB before it reads them', 200_000, 413],
  ['answers the longest keys that a body can have', 64_000, 422],
] as const)('%s, without keeping others waiting', async ([, keyLength, status], { annotate }) => {
  const api = await start();
  const bodies = unknownKeys(keyLength).map((key) => ({ config: { [key]: 1 }, goal: 'trained' }));
  const statuses = new Set<number>();
  const ms = await longestStall(async () => {
    // A connection that is closed before all of a body was sent may take the answer with it.
    const answers = await Promise.allSettled(bodies.map((body) => api.post('/api/runs', body)));
    for (const answer of answers)
      if (answer.status === 'fulfilled') statuses.add(answer.value.status);
  });
  await annotate(`${numKeys} bodies hold the event loop up for ${ms.toFixed(1)} ms at most`);
  expect([...statuses]).toEqual([status]);
  expect(ms).toBeLessThan(longestStallMs);
});

it('reads heartbeats and records with 8 MB of unknown keys, without keeping others waiting', async ({
  annotate,
}) => {
  const api = await start();
  const { connection } = api;
  await api.post('/api/runs', { config: configOf('a'), goal: 'trained' });
  const odd = Object.fromEntries(unknownKeys(200_000).map((key) => [key, 1]));
  const members = createMembers(connection);
  await members.heartbeat({ ...memberOf('w'), ...odd }, { isNews: true });
  const { client } = connection;
  const [key = ''] = await client.keys('*{a}:record');
  const record = JSON.parse((await client.get(key)) ?? '') as object;
  await client.set(key, JSON.stringify({ ...record, ...odd }));
  const ms = await longestStall(async () => {
    await members.list({ forget: false });
    expect((await api.get('/api/runs/a')).status).toBe(200);
    expect((await api.get('/api/cluster')).status).toBe(200);
  });
  await annotate(`they hold the event loop up for ${ms.toFixed(1)} ms at most`);
  const { live, unreadable } = await members.survey({ forget: false });
  expect(live).toHaveLength(0);
  expect(unreadable).toMatchObject([
    { memberId: 'w', problem: expect.stringMatching(/^it has 8,\d+,\d+ characters, more than/) },
  ]);
  expect(ms).toBeLessThan(longestStallMs);
});
