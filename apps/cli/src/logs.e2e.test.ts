import { createS3ObjectStore } from '@berth/checkpoint';
import { isFinal, silentLogger, type MetricsLine } from '@berth/contracts';
import { LogShipper } from '@berth/observability';
import { connectRedis, createLogStream, createMembers, openLogSink } from '@berth/queue';
import { waitFor } from '@berth/testing';
import { expect, it, onTestFinished } from 'vitest';
import { startCluster } from './testing/test-cluster.ts';
import { tinyRun } from './testing/tiny-run.ts';

const numSteps = 40;

it('a run whose worker is killed under a flood of logs leaves its logs and metrics', async () => {
  const cluster = await startCluster({ numWorkers: 2 });
  const { client } = cluster;
  const { redisUrl, s3 } = cluster.services;
  const connection = await connectRedis(redisUrl, { role: 'producer' });
  const store = createS3ObjectStore(s3, silentLogger);
  const flood = openLogSink(redisUrl);
  onTestFinished(async () => {
    flood.close();
    store.close();
    connection.close();
    await cluster.stop();
  });
  await client.submit(tinyRun('logs', { train: { numSteps } }), 'trained');
  await cluster.until('logs', 'some steps', ({ step }) => step >= 4);
  const [victim] = (await createMembers(connection).list()).map(({ info }) => info);
  process.kill(victim?.pid ?? 0, 'SIGKILL');
  const shipper = new LogShipper({
    app: 'worker',
    source: 'flood',
    sink: (lines) => flood.append(lines),
    capacity: 60_000,
  });
  for (let i = 0; i < 50_000; i++)
    shipper.take({ level: 'info', message: `flood ${i}`, fields: { text: 'x'.repeat(500) } });
  const { run } = await cluster.until('logs', 'the end', ({ run }) => isFinal(run.status));
  await shipper.close(30_000);

  expect(run.status).toBe('completed');
  const logs = createLogStream(connection);
  const last = await logs.lastLinesOf(victim?.memberId ?? '', 20);
  expect(last.at(-1)?.message).toContain('worker-1 ended with SIGKILL');
  expect(last.filter(({ app }) => app === 'worker').length).toBeGreaterThan(0);
  const { lines } = await logs.page({ limit: 5, level: 'warn', text: 'goes on without' });
  // The flood may have washed it away where it is drowned in 50,000 lines.
  for (const line of lines)
    expect(line).toMatchObject({ app: 'coordinator', runId: 'logs', attempt: 1 });
  const { client: raw } = connection;
  expect(await raw.xlen('berth:logs')).toBeLessThan(20_200);
  expect(Number(await raw.memory('USAGE', 'berth:logs', 'SAMPLES', 100))).toBeLessThan(40e6);

  const stored = await waitFor(
    async () => {
      const text = await store
        .get('runs/logs/attempt-1/metrics-000001.jsonl')
        .catch(() => undefined);
      const parsed = Buffer.from(text ?? [])
        .toString()
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line || '{}') as MetricsLine);
      // A line that died with its worker comes from the ledger once the run is over.
      const numLines = parsed.filter(({ kind }) => kind === 'step').length;
      const isEvaluated = parsed.some(({ kind, step }) => kind === 'eval' && step === numSteps);
      return numLines >= numSteps && isEvaluated && parsed;
    },
    { what: 'the archive of all steps' },
  );
  const steps = stored.filter(({ kind }) => kind === 'step').map(({ step }) => step);
  expect(steps).toEqual(Array.from({ length: numSteps }, (_, step) => step));
  const keys = (await store.list('runs/logs/attempt-1/events')).map(({ key }) => key);
  expect(keys).toHaveLength(1);
});
