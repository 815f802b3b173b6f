import { parseRunConfig, type MetricsLine, type RunConfig } from '@berth/contracts';
import { connectRedis, createRuns, type RedisConnection } from '@berth/queue';
import { startTestRedis } from '@berth/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRunService, rateOf } from './run-service.ts';

let redis: Awaited<ReturnType<typeof startTestRedis>>;
let connection: RedisConnection;

beforeAll(async () => {
  redis = await startTestRedis();
  connection = await connectRedis(redis.url, { role: 'producer' });
});

afterAll(async () => {
  connection.close();
  await redis.stop();
});

function config(name: string, change: object = {}): RunConfig {
  return parseRunConfig({ name, corpus: { path: '/text' }, ...change }, 'test');
}

describe('the run service', () => {
  it('queues a new run', async () => {
    const report = await createRunService(connection).submit(config('new'), 'trained');
    expect(report).toMatchObject({ step: 0, run: { status: 'queued', goal: 'trained' } });
  });

  it('answers a repeated submission with the same run', async () => {
    const runs = createRunService(connection);
    const first = await runs.submit(config('twice'), 'trained');
    expect(await runs.submit(config('twice'), 'trained')).toEqual(first);
  });

  it.each([
    [{ vocabulary: { size: 999 } }, 'DATA_MISMATCH', 'vocabulary.size 30522, this config says 999'],
    [{ examples: { maxPredictions: 7 } }, 'DATA_MISMATCH', 'examples.maxPredictions 20'],
    [
      { model: { size: 'tiny' } },
      'CHECKPOINT_MISMATCH',
      'model.size "base", this config says "tiny"',
    ],
    [{ seed: 1 }, 'CHECKPOINT_MISMATCH', 'seed 12345, this config says 1'],
  ])('refuses %j for a run that was made without it', async (change, code, message) => {
    const runs = createRunService(connection);
    await runs.submit(config('fixed'), 'trained');
    await expect(runs.submit(config('fixed', change), 'trained')).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message) as string,
    });
  });

  it('takes settings that do not change the weights', async () => {
    const runs = createRunService(connection);
    await runs.submit(config('free'), 'trained');
    const change = { cluster: { numWorkers: 4 }, train: { checkpointEverySteps: 7 } };
    await expect(runs.submit(config('free', change), 'trained')).resolves.toBeDefined();
  });

  it('stops a queued run at once, resumes it, and does neither twice', async () => {
    const runs = createRunService(connection);
    await runs.submit(config('idle'), 'trained');
    expect((await runs.stop('idle')).run.status).toBe('stopped');
    await expect(runs.stop('idle')).rejects.toMatchObject({ code: 'RUN_STATE_CONFLICT' });
    expect((await runs.resume('idle')).run.status).toBe('queued');
    await expect(runs.resume('idle')).rejects.toMatchObject({ code: 'RUN_STATE_CONFLICT' });
  });

  it('saves a training run before it stops', async () => {
    const runs = createRunService(connection);
    await runs.submit(config('busy'), 'trained');
    await createRuns(connection).update('busy', ['queued'], { status: 'running' });
    expect((await runs.stop('busy')).run.status).toBe('stopping');
  });

  it('does not train a completed run again', async () => {
    const runs = createRunService(connection);
    await runs.submit(config('done'), 'trained');
    await createRuns(connection).update('done', ['queued'], { status: 'completed' });
    await expect(runs.submit(config('done'), 'trained')).rejects.toThrow(/choose another name/);
    await expect(runs.resume('done')).rejects.toThrow(/nothing is left to do/);
  });

  it('names the runs it knows when asked for another', async () => {
    const runs = createRunService(connection);
    await runs.submit(config('known'), 'trained');
    await expect(runs.report('ghost')).rejects.toMatchObject({
      code: 'RUN_NOT_FOUND',
      message: expect.stringContaining('known') as string,
    });
  });
});

describe('the rate', () => {
  const line = (timeMs: number, stepMs: number): MetricsLine => ({
    kind: 'step',
    attempt: 1,
    step: 0,
    timeMs,
    loss: 1,
    masked_lm_loss: 1,
    masked_lm_accuracy: 0,
    next_sentence_loss: 0,
    next_sentence_accuracy: 0,
    numTokens: 100,
    stepMs,
  });

  it('is unknown until there are three steps', () => {
    expect(rateOf([line(0, 1), line(10, 1)])).toEqual({ tokensPerSecond: null, stepMs: null });
  });

  it('counts tokens after the first line over the time since, and takes the median step', () => {
    expect(rateOf([line(0, 5), line(500, 90), line(1_000, 7)])).toEqual({
      tokensPerSecond: 200,
      stepMs: 7,
    });
  });
});
