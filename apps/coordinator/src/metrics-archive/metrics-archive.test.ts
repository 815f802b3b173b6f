import type { S3ObjectStore } from '@berth/checkpoint';
import {
  parseRunConfig,
  silentLogger,
  type Logger,
  type MetricsLine,
  type ObjectStore,
  type RunRecord,
} from '@berth/contracts';
import { openRun, type MetricsLog, type RedisConnection } from '@berth/queue';
import { waitFor } from '@berth/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openBackends, type Backends } from '../testing/services.ts';
import { createRunService } from '../runs/run-service.ts';
import { AttemptArchive } from './attempt-archive.ts';
import { MetricsArchive } from './metrics-archive.ts';
import { archivedLines } from './archived-lines.ts';
import { attemptPrefix } from './keys.ts';
import { readSegment } from './segment.ts';

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

const lineOf = (step: number, change: Partial<MetricsLine> = {}): MetricsLine => ({
  kind: 'step',
  attempt: 1,
  step,
  timeMs: 1_700_000_000_000 + step,
  loss: 10 / (step + 1),
  masked_lm_loss: 1,
  masked_lm_accuracy: 0,
  next_sentence_loss: 0.5,
  next_sentence_accuracy: 0.5,
  learningRate: 1e-4,
  gradientNorm: 1,
  numTokens: 100,
  stepMs: 12.5,
  computeMs: 10.25,
  reduceMs: 1.5,
  dataMs: 0.125,
  commitMs: 0.5,
  applyMs: 0.25,
  ...change,
});

async function recordOf(name: string, numAttempts = 1): Promise<RunRecord> {
  const config = parseRunConfig({ name, corpus: { path: '/text' } }, 'test');
  const { run } = await createRunService(connection, store).submit(config, 'trained');
  const attempts = Array.from({ length: numAttempts }, (_, index) => ({
    attempt: index + 1,
    startedAtMs: 1_700_000_000_000 + index * 60_000,
    fromStep: 0,
    endedAtMs: null,
    toStep: null,
    endReason: null,
    abandonedFromStep: null,
  }));
  return { ...run, status: 'running', exampleSetId: 'e', attempts };
}

async function appendAll(log: MetricsLog, fromStep: number, toStep: number): Promise<void> {
  for (let start = fromStep; start < toStep; start += 50) {
    const steps = Array.from({ length: Math.min(50, toStep - start) }, (_, i) => start + i);
    await Promise.all(steps.map((step) => log.append(lineOf(step))));
  }
}

/** Takes over, archives what there is, and ends in order. */
async function archiveOnce(record: RunRecord, into: ObjectStore = store): Promise<void> {
  const archive = new MetricsArchive({ connection, store: into, logger: silentLogger });
  archive.note([record]);
  await archive.close();
}

async function storedLines(runId: string, attempt = 1): Promise<MetricsLine[]> {
  const lines: MetricsLine[] = [];
  for (const { key } of await store.list(`${attemptPrefix(runId, attempt)}metrics-`))
    lines.push(...(await readSegment(store, key, silentLogger)));
  return lines;
}

describe('the archive of a run', () => {
  it('holds every line once, over takeovers and appends that are repeated', async () => {
    const record = await recordOf('whole');
    const { metrics: log } = openRun(connection, 'whole');
    await appendAll(log, 0, 1_300);
    await log.append(lineOf(1_300, { kind: 'eval' }));
    await archiveOnce(record);
    await appendAll(log, 1_200, 2_450);
    await archiveOnce(record);
    await archiveOnce(record);
    const lines = await storedLines('whole');
    const steps = lines.filter(({ kind }) => kind === 'step').map(({ step }) => step);
    expect(steps).toEqual(Array.from({ length: 2_450 }, (_, step) => step));
    expect(lines.filter(({ kind }) => kind === 'eval').map(({ step }) => step)).toEqual([1_300]);
    expect(lines[7]).toEqual(lineOf(7));
    const keys = (await store.list(attemptPrefix('whole', 1))).map(({ key }) => key);
    expect(keys).toEqual([
      'runs/whole/attempt-1/events.out.tfevents.1700000000.berth.000001',
      'runs/whole/attempt-1/events.out.tfevents.1700000000.berth.000002',
      'runs/whole/attempt-1/events.out.tfevents.1700000000.berth.000003',
      'runs/whole/attempt-1/metrics-000001.jsonl',
      'runs/whole/attempt-1/metrics-000002.jsonl',
      'runs/whole/attempt-1/metrics-000003.jsonl',
    ]);
  });

  it('outlives Redis, and the attempts stay apart', async () => {
    const record = await recordOf('apart', 2);
    const { metrics: log } = openRun(connection, 'apart');
    for (let step = 0; step < 20; step++) await log.append(lineOf(step));
    await archiveOnce(record);
    await connection.call((client) => client.flushall());
    for (let step = 10; step < 30; step++) await log.append(lineOf(step, { attempt: 2, loss: 5 }));
    await archiveOnce(record);
    expect((await storedLines('apart', 1)).map(({ step }) => step)).toHaveLength(20);
    const second = await storedLines('apart', 2);
    expect(second.map(({ step }) => step)).toEqual(Array.from({ length: 20 }, (_, i) => 10 + i));
    expect(second[0]?.loss).toBe(5);
  });

  it('takes lines that were lost from the ledger', async () => {
    const record = await recordOf('gaps');
    const { metrics: log } = openRun(connection, 'gaps');
    const isLost = (step: number): boolean => step >= 30 && step < 35;
    const sums = {
      maskedLmLoss: 30,
      maskedLmCorrect: 1,
      maskedWeight: 10,
      nextSentenceLoss: 4,
      nextSentenceCorrect: 2,
      numExamples: 8,
      numTokens: 512,
    };
    for (let step = 0; step < 200; step++) {
      if (!isLost(step)) await log.append(lineOf(step));
      const entry = {
        step,
        from: { epoch: 0, index: step },
        to: { epoch: 0, index: step + 1 },
        numExamples: 1,
        gradientDigest: '0123456789abcdef',
        fencingEpoch: 1,
        viewVersion: 1,
        members: ['a'],
        sums,
        committedAtMs: 1_700_000_000_500 + step,
        head: '0'.repeat(40),
      };
      await connection.call((client) => client.rpush('berth:{gaps}:ledger', JSON.stringify(entry)));
    }
    await archiveOnce(record);
    const lines = await storedLines('gaps');
    expect(lines.map(({ step }) => step)).toEqual(Array.from({ length: 200 }, (_, step) => step));
    expect(lines[31]?.loss).toBeCloseTo(3.5, 4);
    expect(lines[31]?.timeMs).toBe(1_700_000_000_531);
    expect(lines[31]).not.toHaveProperty('stepMs');
  });

  it('uploads little: at once only what is due', async () => {
    let numBytes = 0;
    let numPuts = 0;
    const counting: ObjectStore = {
      ...store,
      put(key, body, options) {
        numBytes += body.length;
        numPuts++;
        return store.put(key, body, options);
      },
    };
    const record = await recordOf('traffic');
    const { metrics: log } = openRun(connection, 'traffic');
    const archive = new MetricsArchive({
      connection,
      store: counting,
      logger: silentLogger,
      flushEveryMs: 500,
    });
    const endMs = performance.now() + 3_000;
    let step = 0;
    while (performance.now() < endMs) {
      await log.append(lineOf(step++));
      archive.note([record]);
    }
    await archive.close();
    expect(numPuts).toBeLessThanOrEqual(2 * 8 + 2 * Math.floor(step / 1_000));
    expect(numBytes).toBeLessThan(numPuts * 1_000_000);
    expect(await storedLines('traffic')).toHaveLength(step);
  });

  it('waits out an outage of the store, and a run that ended meanwhile is archived after it', async () => {
    const record = await recordOf('late');
    await openRun(connection, 'late').metrics.append(lineOf(0));
    const away: ObjectStore = {
      ...store,
      put: () => Promise.reject(new Error('the store is away')),
    };
    await archiveOnce(record, away);
    expect(await storedLines('late')).toEqual([]);
    const ended: RunRecord = { ...record, status: 'completed', updatedAtMs: Date.now() };
    const archive = new MetricsArchive({ connection, store, logger: silentLogger });
    archive.note([ended]);
    await waitFor(async () => (await storedLines('late')).length === 1, { what: 'the archive' });
    await archive.close();
  });
});

describe('archived lines', () => {
  it('of many steps come in order, a thousand at a time', async () => {
    const startedAtMs = 1_700_000_000_000;
    for (const attempt of [9, 10]) {
      const place = { runId: 'long', attempt, startedAtMs, fromStep: 0 };
      const archive = await AttemptArchive.open(store, place, silentLogger);
      for (let step = 0; step < 10_000; step++) {
        archive.add(lineOf(step, { attempt }));
        if (archive.isFull) await archive.flush();
      }
      await archive.flush();
    }
    let number = 0;
    for await (const lines of archivedLines(store, 'long', silentLogger)) {
      expect(lines.length).toBeLessThanOrEqual(1_000);
      for (const { attempt, step } of lines) {
        if (step !== number % 10_000 || attempt !== (number < 10_000 ? 9 : 10))
          throw new Error(`line ${number} is of step ${step}, attempt ${attempt}`);
        number++;
      }
    }
    expect(number).toBe(20_000);
  });

  it('of a run without any are none', async () => {
    for await (const lines of archivedLines(store, 'none', silentLogger)) expect(lines).toEqual([]);
  });

  it('leave out what is damaged, once and by name, and the lines are made anew', async () => {
    const record = await recordOf('rotten');
    const { metrics: log } = openRun(connection, 'rotten');
    for (let step = 0; step < 5; step++) await log.append(lineOf(step));
    await archiveOnce(record);
    const [{ key } = { key: '' }] = await store.list(`${attemptPrefix('rotten', 1)}metrics-`);
    const sound = Buffer.from(await store.get(key)).toString();
    const warnings: unknown[] = [];
    const logger: Logger = { ...silentLogger, warn: (_, fields) => void warnings.push(fields) };
    const stepsOf = async (content: string): Promise<number[]> => {
      await store.put(key, Buffer.from(content));
      const steps: number[] = [];
      for await (const lines of archivedLines(store, 'rotten', logger))
        steps.push(...lines.map(({ step }) => step));
      return steps;
    };
    expect(await stepsOf(sound.slice(0, -20))).toEqual([0, 1, 2, 3]);
    expect(await stepsOf('['.repeat(300_000))).toEqual([]);
    expect(warnings).toEqual([
      { key, numUnreadable: 1 },
      { key, numUnreadable: 1 },
    ]);
    await archiveOnce(record);
    expect((await storedLines('rotten')).map(({ step }) => step)).toEqual([0, 1, 2, 3, 4]);
  });
});
