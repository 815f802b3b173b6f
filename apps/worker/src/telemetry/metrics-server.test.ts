import { setTimeout as sleep } from 'node:timers/promises';
import { createWorkerMetrics } from '@berth/observability/prometheus';
import { expect, it, onTestFinished } from 'vitest';
import { LastKnown } from './last-known.ts';
import { startMetricsServer } from './metrics-server.ts';

it('answers Prometheus and nobody else', async () => {
  const metrics = createWorkerMetrics({ version: '0' });
  let hangs = false;
  const page = {
    contentType: metrics.contentType,
    text: () => metrics.text(),
    isWell: () => !hangs,
    whyNotReady: () => (hangs ? 'opening the run' : undefined),
  };
  const server = await startMetricsServer({ host: '127.0.0.1', port: 0 }, page);
  onTestFinished(() => server.close());
  const ask = (path: string, method = 'GET'): Promise<Response> =>
    fetch(`http://127.0.0.1:${server.port}${path}`, { method });
  const asked = await ask('/metrics');
  expect(asked.headers.get('content-type')).toMatch(/^text\/plain/);
  expect(await asked.text()).toContain('process_resident_memory_bytes');
  expect(await (await ask('/healthz')).text()).toBe('ok\n');
  expect((await ask('/readyz')).status).toBe(200);
  hangs = true;
  const notReady = await ask('/readyz');
  expect([notReady.status, await notReady.text()]).toEqual([503, 'opening the run\n']);
  expect((await ask('/healthz')).status).toBe(503);
  expect((await ask('/other')).status).toBe(404);
  expect((await ask('/metrics', 'POST')).status).toBe(405);

  const place = { host: '127.0.0.1', port: server.port };
  await expect(startMetricsServer(place, page)).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringContaining('BERTH_METRICS_PORT') as string,
  });
});

it('does not wait for a thread that is busy, but keeps its late answer', async () => {
  let answer = (_count: number): void => undefined;
  const counts = new LastKnown(() => new Promise<number>((resolve) => (answer = resolve)), 20);
  expect(await counts.get()).toBeUndefined();
  answer(3);
  await sleep(0);
  expect(await counts.get()).toBe(3);
});
