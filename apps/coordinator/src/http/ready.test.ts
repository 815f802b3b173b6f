import { createMembers, createRuns } from '@berth/queue';
import { waitFor } from '@berth/testing';
import { expect, it } from 'vitest';
import { configOf, lead, memberOf, startTestApi, type ApiFixture } from '../testing/api-fixture.ts';

async function openRun(): Promise<ApiFixture> {
  const api = await startTestApi();
  await api.post('/api/runs', { config: configOf('r'), goal: 'trained' });
  await createRuns(api.connection).change('r', () => ({ status: 'running', reason: 'all well' }));
  await lead(api, 'r');
  expect((await api.get('/readyz')).status).toBe(200);
  expect(await reportOf(api)).toMatchObject({ run: { reason: 'all well' } });
  return api;
}

async function reportOf(api: ApiFixture): Promise<unknown> {
  return (await api.get('/api/runs/r')).json();
}

/** Waits for an answer, as what is asked of Redis and the bucket is known for a second. */
async function answer(api: ApiFixture, status: number): Promise<unknown> {
  const get = async (): Promise<{ body: unknown } | undefined> => {
    const response = await api.get('/readyz');
    return response.status === status ? { body: await response.json() } : undefined;
  };
  return (await waitFor(get, { what: `the answer ${status}` })).body;
}

it('is not ready while Redis answers but takes no writes, says so of the run, and recovers', async () => {
  const api = await openRun();
  await api.connection.client.config('SET', 'maxmemory', '1');
  const refusal = expect.stringMatching(/^Redis refuses writes: it has no memory left/) as string;
  expect(await answer(api, 503)).toMatchObject({ code: 'QUEUE_UNREACHABLE', message: refusal });
  expect((await api.get('/healthz')).status).toBe(200);
  expect(await reportOf(api)).toMatchObject({
    trouble: refusal,
    run: { reason: expect.stringMatching(/^all well; Redis refuses writes/) as string },
  });
  await api.connection.client.config('SET', 'maxmemory', '0');
  expect(await answer(api, 200)).toEqual({ ok: true });
  expect(await reportOf(api)).toMatchObject({ run: { reason: 'all well' } });
});

it('is not ready while a worker finds no space in the bucket', async () => {
  const api = await openRun();
  const members = createMembers(api.connection);
  const error = { code: 'STORE_FULL', message: 'No space left in /s3.', details: {} } as const;
  const troubles = [{ doing: 'saving a checkpoint', numFailed: 1, error } as const];
  await members.heartbeat(memberOf('w', { runId: 'r', troubles }));
  expect(await answer(api, 507)).toEqual(error);
  expect(await reportOf(api)).toMatchObject({
    trouble: expect.stringContaining('No space left in /s3.') as string,
  });
  await members.heartbeat(memberOf('w', { runId: 'r', troubles: [] }));
  expect(await answer(api, 200)).toEqual({ ok: true });
});
