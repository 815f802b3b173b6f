import { runRecordKey, type S3ObjectStore } from '@berth/checkpoint';
import {
  parseRunConfig,
  type MetricsLine,
  type ObjectStore,
  type RunConfig,
} from '@berth/contracts';
import { createMembers, createRuns, openRun, type RedisConnection } from '@berth/queue';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { memberOf } from '../testing/api-fixture.ts';
import { entriesOf, storeCheckpoint } from '../testing/made-up-run.ts';
import { openBackends, type Backends } from '../testing/services.ts';
import { rateOf } from './run-report.ts';
import { createRunService } from './run-service.ts';
import { queueOf } from '@berth/protocol';

let backends: Backends;
let connection: RedisConnection;
let store: S3ObjectStore;

beforeAll(async () => {
  backends = await openBackends();
  ({ connection, store } = backends);
});

afterAll(() => backends.close());

function config(name: string, change: object = {}): RunConfig {
  return parseRunConfig({ name, corpus: { path: '/text' }, ...change }, 'test');
}

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

describe('the run service', () => {
  it('queues a new run', async () => {
    const report = await createRunService(connection, store).submit(config('new'), 'trained');
    expect(report).toMatchObject({ step: 0, run: { status: 'queued', goal: 'trained' } });
  });

  it('keeps a new run in the bucket before it answers, and in a Redis that is emptied meanwhile', async () => {
    const emptying: ObjectStore = {
      ...store,
      async put(...args) {
        await connection.client.flushall();
        return store.put(...args);
      },
    };
    const { run } = await createRunService(connection, emptying).submit(config('kept'), 'trained');
    expect((await createRunService(connection, store).report('kept')).run).toEqual(run);
    const copy = Buffer.from(await store.get(runRecordKey('kept'))).toString();
    expect(JSON.parse(copy)).toEqual(JSON.parse(JSON.stringify(run)));
  });

  it('answers a repeated submission with the same run', async () => {
    const runs = createRunService(connection, store);
    const first = await runs.submit(config('twice'), 'trained');
    expect(await runs.submit(config('twice'), 'trained')).toEqual(first);
  });

  it('pins a checkpoint that is there, and says which there are where it is not', async () => {
    const runs = createRunService(connection, store);
    await runs.submit(config('pinned'), 'trained');
    await expect(runs.pin('pinned', 2, true)).rejects.toMatchObject({
      code: 'CHECKPOINT_NOT_FOUND',
      message: 'Run "pinned" has no checkpoint of step 2 to keep; it has none',
    });
    await storeCheckpoint(store, 'pinned', entriesOf(2, { fencingEpoch: 1, viewVersion: 1 }));
    for (const again of [1, 2]) {
      const { run } = await runs.pin('pinned', 2, true);
      expect(run.keptSteps, `time ${again}`).toEqual([2]);
    }
    await expect(runs.pin('pinned', 3, true)).rejects.toThrow('it has those of 2');
    expect((await runs.pin('pinned', 2, false)).run.keptSteps).toEqual([]);
  });

  it('tells what waits for the bucket, of whoever has it on disk, and what the newest save took', async () => {
    const runs = createRunService(connection, store);
    await runs.submit(config('late'), 'trained');
    const saving = { step: 20, forMs: 9_000, spooledBytes: 0 };
    const told = [
      { saving, saved: { step: 10, durationMs: 900, stallMs: 40 } },
      { saving: { ...saving, forMs: 8_000, spooledBytes: 72 } },
    ];
    for (const [index, change] of told.entries())
      await createMembers(connection).heartbeat(
        memberOf(`w${index}`, { runId: 'late', ...change }),
      );
    const report = await runs.report('late');
    expect(report.saving).toEqual({ step: 20, forMs: 8_000, spooledBytes: 72, memberId: 'w1' });
    expect(report.saved).toEqual({ step: 10, durationMs: 900, stallMs: 40 });
  });

  it('knows by the bucket that a run has trained, and refuses it other settings', async () => {
    const runs = createRunService(connection, store);
    await runs.submit(config('fixed'), 'trained');
    await runs.control('fixed', 'stop');
    await storeCheckpoint(store, 'fixed', entriesOf(2, { fencingEpoch: 1, viewVersion: 1 }));
    await expect(runs.submit(config('fixed', { seed: 1 }), 'trained')).rejects.toMatchObject({
      code: 'DATA_MISMATCH',
      message: expect.stringContaining('seed 12345, this config says 1') as string,
    });
    const change = { cluster: { numWorkers: 4 }, train: { checkpointEverySteps: 7 } };
    expect((await runs.submit(config('fixed', change), 'trained')).run.status).toBe('queued');
  });

  it('reports the newest evaluation however long ago it was, and the loss of the whole run', async () => {
    const runs = createRunService(connection, store);
    await runs.submit(config('long'), 'trained');
    const { metrics: log } = openRun(connection, 'long');
    const of = (kind: MetricsLine['kind'], step: number): MetricsLine => ({
      ...line(step, 1),
      kind,
      step,
      loss: step < 200 ? 8 : 4,
    });
    for (let step = 0; step < 400; step++) await log.append(of('step', step));
    await log.append(of('eval', 0));
    for (let step = 400; step < 600; step++) await log.append(of('step', step));
    const report = await runs.report('long');
    expect(report.lastEval).toMatchObject({ kind: 'eval', step: 0 });
    expect([report.sparkline[0], report.sparkline.at(-1)]).toEqual([8, 4]);
    expect(report.last?.step).toBe(599);
  });

  it('refuses settings to a run that somebody works on, and gives them to one that nobody does', async () => {
    const runs = createRunService(connection, store);
    await runs.submit(config('worked-on'), 'trained');
    await createRuns(connection).change('worked-on', () => ({ status: 'running' }));
    const members = createMembers(connection, { ttlMs: 60_000 });
    await members.heartbeat(memberOf('m', { runId: 'worked-on' }));
    const other = config('worked-on', { train: { keepLast: 9 } });
    await expect(runs.submit(other, 'trained')).rejects.toThrow(/train.keepLast 3/);
    await members.leave('m');
    expect((await runs.submit(other, 'trained')).run).toMatchObject({
      status: 'queued',
      config: { train: { keepLast: 9 } },
    });
  });

  it.each(['pause', 'stop', 'kill'] as const)(
    'does %s to a queued run at once, resumes it, and does neither twice',
    async (control) => {
      const runs = createRunService(connection, store);
      const name = `idle-${control}`;
      await runs.submit(config(name), 'trained');
      const rested = await runs.control(name, control);
      expect(rested.run.status).toBe(control === 'pause' ? 'paused' : 'stopped');
      expect((await runs.control(name, control)).run).toEqual(rested.run);
      const resumed = await runs.control(name, 'resume');
      expect(resumed.run).toMatchObject({ status: 'queued', attempts: [{ attempt: 1 }] });
      expect((await runs.control(name, 'resume')).run).toEqual(resumed.run);
    },
  );

  it('says why a control does not work, also before it is used', async () => {
    const runs = createRunService(connection, store);
    const { controls } = await runs.submit(config('early'), 'trained');
    expect(controls.checkpoint).toEqual({
      isEnabled: false,
      reason: 'it is queued; there is nothing new to save until it trains',
    });
    await expect(runs.control('early', 'checkpoint')).rejects.toMatchObject({
      code: 'RUN_STATE_CONFLICT',
      message: `Cannot checkpoint run "early": ${controls.checkpoint.reason}`,
    });
    await runs.control('early', 'stop');
    await expect(runs.control('early', 'resume', { fromStep: 40 })).rejects.toMatchObject({
      code: 'CHECKPOINT_NOT_FOUND',
      message: expect.stringContaining('there are: none') as string,
    });
  });

  it('tells queued runs what they wait for', async () => {
    const runs = createRunService(connection, store);
    const names = ['first', 'second', 'third'];
    for (const name of names) await runs.submit(config(`${name}-of-three`), 'trained');
    const active = await createRuns(connection).active();
    await createRuns(connection).setActive('first-of-three', active, 0);
    for (const { runId, status } of await createRuns(connection).list())
      if (status === 'queued' && !runId.endsWith('-of-three')) await runs.control(runId, 'stop');
    expect((await runs.report('first-of-three')).run.reason).toBe('waiting for its turn');
    expect((await runs.report('third-of-three')).run.reason).toBe(
      'waiting for first-of-three, which is queued; number 2 in the queue, after second-of-three',
    );
  });

  it('says of runs that a cluster of one run leaves alone who goes on with them', async () => {
    const scope = { runId: 'own', sinceMs: Date.now() + 60_000 };
    const runs = createRunService(connection, store, { scope });
    for (const name of ['own', 'unfinished']) await runs.submit(config(name), 'trained');
    expect((await runs.report('own')).run.reason).not.toContain('alone');
    expect((await runs.report('unfinished')).run.reason).toBe(
      'this cluster was started for own alone: berth resume unfinished goes on with this one',
    );
    const records = await createRuns(connection).list();
    const taken = (sinceMs: number): string[] =>
      queueOf(records, { runId: 'own', sinceMs }).map(({ runId }) => runId);
    expect(taken(scope.sinceMs)).toEqual(['own']);
    expect(taken(0)).toContain('unfinished');
    for (const name of ['own', 'unfinished']) await runs.control(name, 'stop');
  });

  it('saves a training run before it stops', async () => {
    const runs = createRunService(connection, store);
    await runs.submit(config('busy'), 'trained');
    await createRuns(connection).change('busy', () => ({ status: 'running' }));
    expect((await runs.control('busy', 'stop')).run.status).toBe('stopping');
  });

  it('does not train a completed run again', async () => {
    const runs = createRunService(connection, store);
    await runs.submit(config('done'), 'trained');
    await createRuns(connection).change('done', () => ({ status: 'completed' }));
    await expect(runs.submit(config('done'), 'trained')).rejects.toThrow(/choose another name/);
    await expect(runs.control('done', 'resume')).rejects.toThrow(/nothing is left to do/);
  });

  it('names the runs it knows when asked for another', async () => {
    const runs = createRunService(connection, store);
    await runs.submit(config('known'), 'trained');
    await expect(runs.report('ghost')).rejects.toMatchObject({
      code: 'RUN_NOT_FOUND',
      message: expect.stringContaining('known') as string,
    });
  });
});

describe('the rate', () => {
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
