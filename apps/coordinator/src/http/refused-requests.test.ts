import { apiOperations } from '@berth/contracts';
import { describe, expect, it } from 'vitest';
import { defaultRates } from './guard.ts';
import { configOf, startTestApi } from '../testing/api-fixture.ts';
import { answerOf, errorOf } from '../testing/answers.ts';

describe('requests that are refused', () => {
  it('learn why', async () => {
    const api = await startTestApi();
    const cases: [Promise<Response>, number, string][] = [
      [api.get('/api/nothing'), 404, 'USAGE'],
      [api.post('/api/cluster'), 405, 'USAGE'],
      [fetch(`${api.url}/api/runs`, { method: 'DELETE' }), 405, 'USAGE'],
      [api.post('/api/runs', { config: {}, goal: 'fame' }), 422, 'USAGE'],
      [api.post('/api/runs', { config: {}, goal: 'trained' }), 422, 'CONFIG_INVALID'],
      [api.post('/api/runs', 'x'.repeat(300_000)), 413, 'REQUEST_TOO_LARGE'],
      [api.post('/api/runs', {}, { 'content-type': 'text/plain' }), 422, 'USAGE'],
      [api.post('/api/runs', {}, { origin: 'http://evil.test' }), 403, 'REQUEST_REFUSED'],
      [api.get('/api/logs?limit=0'), 422, 'USAGE'],
      [api.get('/api/logs?limit=1&limit=2'), 422, 'USAGE'],
      [api.get('/api/logs?colour=red'), 422, 'USAGE'],
      [api.get('/api/runs/a/metrics?after=(1'), 422, 'USAGE'],
      [api.post('/api/runs/a/controls/explode'), 422, 'USAGE'],
    ];
    for (const [answer, status, code] of cases)
      expect(await errorOf(await answer)).toMatchObject({ status, code });
    const { headers } = await api.post('/api/cluster');
    expect(headers.get('allow')).toBe('GET');
    expect(headers.get('content-security-policy')).toContain("default-src 'none'");
  });

  it('need the token, to read too, but for health and the page', async () => {
    const api = await startTestApi({ host: '0.0.0.0' });
    const body = { config: configOf('a'), goal: 'trained' };
    const none = { authorization: '' };
    const reads = Object.values(apiOperations)
      .filter(({ method }) => method === 'GET')
      .map(({ path }) => path.replaceAll(/:\w+/g, 'a'));
    expect((await api.post('/api/runs', body, none)).status).toBe(401);
    for (const path of [...reads.slice(0, 10), '/metrics', '/%61pi/runs']) {
      const answer = await api.get(path, none);
      expect(`${path} ${answer.status}`).toBe(`${path} 401`);
      expect(answer.headers.get('www-authenticate')).toBe('Bearer');
    }
    for (const path of ['/healthz', '/readyz'])
      expect((await api.get(path, none)).status).toBe(200);
    expect((await api.get('/', none)).status).not.toBe(401);
    expect((await api.post('/api/runs', body)).status).toBe(201);
    expect((await api.get('/metrics')).status).toBe(200);
    expect(await answerOf('cluster', await api.get('/api/cluster'))).toMatchObject({
      build: { node: process.versions.node },
    });
  });

  it('with wrong tokens are soon kept waiting, and those with the right one are not', async () => {
    const badTokens = { perSecond: 1e-3, burst: 3 };
    const api = await startTestApi({ rates: { ...defaultRates, badTokens } });
    const statuses: number[] = [];
    for (let guess = 0; guess < 6; guess++)
      statuses.push((await api.get('/api/runs', { authorization: `Bearer ${guess}` })).status);
    expect(statuses).toEqual([401, 401, 401, 429, 429, 429]);
    expect((await api.get('/api/runs')).status).toBe(200);
  });

  it('wait their turn when they come too fast', async () => {
    const rate = { perSecond: 1, burst: 3 };
    const api = await startTestApi({
      rates: { writes: rate, expensiveReads: rate, badTokens: rate },
    });
    const answers = await Promise.all([1, 2, 3, 4, 5].map(() => api.get('/api/logs')));
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([
      200, 200, 200, 429, 429,
    ]);
    const late = answers.find(({ status }) => status === 429);
    expect(late?.headers.get('retry-after')).toBe('1');
    expect((await api.get('/api/runs')).status).toBe(200);
  });
});
