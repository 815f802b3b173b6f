import type { ExampleShard, MetricsLine, Numerics, RunRecord } from '@berth/contracts';
import { runRecord } from '@berth/protocol/testing';
import { describe, expect, it } from 'vitest';
import { createExampleIndex } from './example-index.ts';
import { beginEpoch, useRedis } from '../testing/redis.ts';
import { createMetricsLog } from './metrics-log.ts';
import { createRendezvous } from '../coordination/rendezvous.ts';
import { createRuns } from './runs.ts';

const redis = useRedis();
const numerics: Numerics = {
  tensorflow: '2',
  device: 'cpu',
  kernels: 'avx2',
  numThreads: 1,
};

describe('runs', () => {
  const recordOf = (runId: string, createdAtMs = 1): RunRecord =>
    runRecord(runId, {
      status: 'queued',
      createdAtMs,
      updatedAtMs: createdAtMs,
      attempts: [],
      manifestKey: null,
      exampleSetId: null,
      numerics,
    });

  it('creates once, reads back and lists newest first', async () => {
    const runs = createRuns(redis.connection);
    await runs.create(recordOf('old', 1));
    await runs.create(recordOf('new', 2));
    expect(await runs.read('old')).toEqual(recordOf('old', 1));
    expect(await runs.read('none')).toBeUndefined();
    expect((await runs.list()).map(({ runId }) => runId)).toEqual(['new', 'old']);
    await expect(runs.create(recordOf('old', 3))).rejects.toMatchObject({
      code: 'RUN_STATE_CONFLICT',
    });
    expect((await runs.read('old'))?.createdAtMs).toBe(1);
  });

  it('reads a record of another release as far as it goes, and lists the others without a broken one', async () => {
    const runs = createRuns(redis.connection);
    const record = recordOf('later');
    const later = { ...record, later: 1, config: { ...record.config, later: { deep: 1 } } };
    await runs.create(later);
    await runs.create(recordOf('cut', 2));
    await redis.connection.client.set('berth:{cut}:record', '{"runId":"cut"');
    expect(await runs.read('later')).toEqual(recordOf('later'));
    const changed = await runs.change('later', () => ({ reason: 'started' }));
    expect(changed).toEqual({ ...recordOf('later'), reason: 'started', updatedAtMs: 2 });
    const text = await redis.connection.client.get('berth:{later}:record');
    expect(JSON.parse(text ?? '')).toEqual({ ...later, reason: 'started', updatedAtMs: 2 });
    expect((await runs.list()).map(({ runId }) => runId)).toEqual(['later']);
    expect((await runs.survey()).unreadable).toMatchObject([{ runId: 'cut' }]);
    await expect(runs.read('cut')).rejects.toMatchObject({ code: 'RUN_STATE_CONFLICT' });
  });

  it('changes a record only as it was read, and only in the epoch of the lease', async () => {
    const runs = createRuns(redis.connection);
    await runs.create(recordOf('run'));
    const read = await runs.change('run', () => undefined);
    await beginEpoch(redis.connection, 5);
    await expect(runs.update(read, { status: 'stopped' }, 4)).rejects.toMatchObject({
      code: 'QUEUE_STALE_EPOCH',
      details: { newest: 5 },
    });
    const started = await runs.update(read, { status: 'running', reason: 'started' }, 5);
    await runs.change('run', ({ requests }) => ({ requests: { ...requests, kill: true } }));
    await expect(runs.update(started, { status: 'recovering' }, 5)).rejects.toMatchObject({
      code: 'RUN_STATE_CONFLICT',
    });
    await expect(runs.update(recordOf('none'), {}, 5)).rejects.toMatchObject({
      code: 'RUN_NOT_FOUND',
    });
    expect(await runs.read('run')).toMatchObject({ status: 'running', requests: { kill: true } });
    await expect(runs.setActive('run', undefined, 4)).rejects.toMatchObject({
      code: 'QUEUE_STALE_EPOCH',
    });
  });

  it('lets one of many concurrent transitions through, and loses no concurrent change', async () => {
    const runs = createRuns(redis.connection);
    const record = recordOf('run');
    await runs.create(record);
    const outcomes = await Promise.allSettled(
      Array.from({ length: 10 }, (_, index) => runs.update(record, { reason: `${index}` }, 0)),
    );
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    await Promise.all([
      runs.change('run', () => ({ manifestKey: 'm' })),
      runs.change('run', () => ({ exampleSetId: 'e' })),
    ]);
    expect(await runs.read('run')).toMatchObject({ manifestKey: 'm', exampleSetId: 'e' });
  });

  it('has a time that grows with each change, whatever clocks say', async () => {
    const runs = createRuns(redis.connection);
    await runs.create(recordOf('run'));
    const first = await runs.change('run', () => ({ reason: 'a', updatedAtMs: 1_000 }));
    const second = await runs.change('run', () => ({ reason: 'b', updatedAtMs: 10 }));
    expect([first.updatedAtMs, second.updatedAtMs]).toEqual([1_000, 1_001]);
  });

  it('has at most one active run', async () => {
    const runs = createRuns(redis.connection);
    expect(await runs.active()).toBeUndefined();
    await runs.setActive('a', undefined, 0);
    await expect(runs.setActive('b', undefined, 0)).rejects.toThrow('run a is active');
    expect(await runs.active()).toBe('a');
    await runs.setActive(undefined, 'a', 0);
    expect(await runs.active()).toBeUndefined();
  });
});

describe('example index', () => {
  const shardOf = (shard: number, sha256 = 'a'.repeat(64)): ExampleShard => ({
    key: `examples/${shard}`,
    sizeBytes: 10,
    sha256,
    split: 'train',
    epoch: 0,
    shard,
    numExamples: 5,
    numTokens: 100,
    numPredictions: 15,
  });

  it('notes a shard once and finds it again', async () => {
    const index = createExampleIndex(redis.connection, 'set');
    await index.put(shardOf(1));
    await index.put(shardOf(1));
    expect(await index.count()).toBe(1);
    expect(await index.get(shardOf(1))).toEqual(shardOf(1));
    expect(await index.getAll([shardOf(2), shardOf(1)])).toEqual([undefined, shardOf(1)]);
    expect(await index.getAll([])).toEqual([]);
  });

  it('refuses other bytes under the same name and keeps the first', async () => {
    const index = createExampleIndex(redis.connection, 'set');
    await index.put(shardOf(1));
    await expect(index.put(shardOf(1, 'b'.repeat(64)))).rejects.toMatchObject({
      code: 'DATA_SHARD_CORRUPT',
    });
    expect(await index.get(shardOf(1))).toEqual(shardOf(1));
  });
});

describe('metrics log', () => {
  const lineOf = (step: number, loss = step, kind: MetricsLine['kind'] = 'step'): MetricsLine => ({
    kind,
    attempt: 1,
    step,
    timeMs: step,
    loss,
    masked_lm_loss: 1,
    masked_lm_accuracy: 0,
    next_sentence_loss: 1,
    next_sentence_accuracy: 0.5,
    numTokens: 10,
  });

  it('reads the newest lines, and what came after a cursor', async () => {
    const log = createMetricsLog(redis.connection, 'run');
    for (let step = 0; step < 5; step++) await log.append(lineOf(step));
    await log.append(lineOf(4, 9, 'eval'));
    expect(await log.last(2)).toEqual([lineOf(4), lineOf(4, 9, 'eval')]);
    const first = await log.after('', 4);
    expect(first.lines.map(({ step }) => step)).toEqual([0, 1, 2, 3]);
    const rest = await log.after(first.cursor, 10);
    expect(rest.lines).toEqual([lineOf(4), lineOf(4, 9, 'eval')]);
    expect(await log.after(rest.cursor, 10)).toEqual({ lines: [], cursor: rest.cursor });
  });

  it('reads the other lines when one is of another release, or broken', async () => {
    const log = createMetricsLog(redis.connection, 'run');
    await log.append({ ...lineOf(0), later: 'no number' });
    await log.append({ ...lineOf(1), kind: 'other' as 'step' });
    await log.append(lineOf(2));
    expect(await log.last(3)).toEqual([lineOf(0), lineOf(2)]);
    expect((await log.after('', 3)).lines).toEqual([lineOf(0), lineOf(2)]);
  });

  it('keeps the last word on a step, and tells readers of it', async () => {
    const log = createMetricsLog(redis.connection, 'run');
    await log.append(lineOf(0));
    await log.append(lineOf(1));
    const { cursor } = await log.after('', 10);
    await log.append(lineOf(0, 42));
    expect((await log.after(cursor, 10)).lines).toEqual([lineOf(0, 42)]);
    expect(await log.last(10)).toEqual([lineOf(1), lineOf(0, 42)]);
  });

  it('drops the oldest beyond its capacity', async () => {
    const log = createMetricsLog(redis.connection, 'run', { capacity: 3 });
    for (let step = 0; step < 10; step++) await log.append(lineOf(step));
    expect((await log.last(10)).map(({ step }) => step)).toEqual([7, 8, 9]);
    await log.append(lineOf(0));
    expect((await log.last(10)).map(({ step }) => step)).toEqual([8, 9, 0]);
  });
});

describe('rendezvous', () => {
  it("keeps each member's first word, by run and topic", async () => {
    const rendezvous = createRendezvous(redis.connection, 'run');
    await rendezvous.post('settle/1', 'a', 'first');
    await rendezvous.post('settle/1', 'a', 'second');
    await rendezvous.post('settle/1', 'b', 'word');
    await rendezvous.post('settle/2', 'a', 'other');
    expect(Object.fromEntries(await rendezvous.read('settle/1'))).toEqual({
      a: 'first',
      b: 'word',
    });
    const otherRun = createRendezvous(redis.connection, 'run-2');
    expect((await otherRun.read('settle/1')).size).toBe(0);
  });
});
