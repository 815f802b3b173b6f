import { expect, it } from 'vitest';
import { startTestApi } from '../testing/api-fixture.ts';

const numRequests = 40;
const plenty = { perSecond: 1e6, burst: 1e6 };

/** Sends run configs with an unknown key of a length, all at once. @returns their statuses, and CPU ms of this process each */
async function submitUnknownKeys(
  keyLength: number,
): Promise<{ statuses: Set<number>; ms: number }> {
  const api = await startTestApi({
    rates: { writes: plenty, dearReads: plenty, badTokens: plenty },
  });
  const keys = Array.from({ length: numRequests }, (_, index) =>
    String(index).padStart(keyLength, 'corpus_'),
  );
  const bodies = keys.map((key) => ({ config: { [key]: 1 }, goal: 'trained' }));
  const { user } = process.cpuUsage();
  const answers = await Promise.all(bodies.map((body) => api.post('/api/runs', body)));
  const ms = (process.cpuUsage().user - user) / 1_000 / numRequests;
  return { statuses: new Set(answers.map(({ status }) => status)), ms };
}

it('refuses bodies of 200 KB before it reads them', async () => {
  const { statuses, ms } = await submitUnknownKeys(200_000);
  expect([...statuses]).toEqual([413]);
  expect(ms).toBeLessThan(100);
});

it('answers the longest keys that a body can have without keeping others waiting', async () => {
  const { statuses, ms } = await submitUnknownKeys(64_000);
  expect([...statuses]).toEqual([422]);
  expect(ms).toBeLessThan(100);
});
