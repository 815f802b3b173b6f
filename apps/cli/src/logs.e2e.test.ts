import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { createS3ObjectStore } from '@berth/checkpoint';
import { isFinal, parseRunConfig, silentLogger, type MetricsLine } from '@berth/contracts';
import { LogShipper } from '@berth/observability';
import { connectRedis, createLogStream, createMembers, openLogSink } from '@berth/queue';
import { temporaryFolder, waitFor } from '@berth/testing';
import { expect, it, onTestFinished } from 'vitest';
import { findCluster } from '@berth/launch';
import { spawnBerth } from './testing/berth-process.ts';
import { clientOf } from './testing/client-of.ts';

const corpus = fileURLToPath(
  new URL('../../../libs/data/test/golden/excerpt.txt', import.meta.url),
);
const numSteps = 40;
const config = parseRunConfig(
  {
    name: 'logs',
    seed: 7,
    corpus: { path: corpus, heldOutRatio: 0.1 },
    vocabulary: { size: 1000 },
    examples: { maxSeqLength: 32, maxPredictions: 5, numShards: 4, shuffleWindowShards: 2 },
    model: { size: 'tiny', numLayers: 1, hiddenSize: 32, numHeads: 2, maxPositions: 32 },
    optimizer: { learningRate: 1e-3, numWarmupSteps: 5 },
    train: { numSteps, engine: 'eager', globalBatch: 8, virtualRanks: 4, numEvalExamples: 16 },
  },
  'test',
);

it('a run whose worker is killed under a flood of logs leaves its logs and metrics', async () => {
  const { path: folder } = await temporaryFolder();
  const up = spawnBerth(['up', '--workers', '2', '--port', '0'], folder);
  const ended = once(up, 'exit');
  const cluster = await waitFor(() => findCluster(folder), {
    what: 'the cluster',
  });
  const { redisUrl, s3 } = cluster.services;
  const connection = await connectRedis(redisUrl, { role: 'producer' });
  const store = createS3ObjectStore(s3, silentLogger);
  const flood = openLogSink(redisUrl);
  onTestFinished(async () => {
    flood.close();
    store.close();
    connection.close();
    up.kill('SIGTERM');
    await ended;
  });
  const client = clientOf(folder)!;
  await client.submit(config, 'trained');
  const atStep = (step: number): Promise<boolean> =>
    waitFor(async () => (await client.status('logs')).step >= step, {
      what: `step ${step}`,
    });
  await atStep(4);
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
  await waitFor(async () => isFinal((await client.status('logs')).run.status), {
    what: 'the end of the run',
  });
  await shipper.close(30_000);

  const { run } = await client.status('logs');
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
