import {
  apiOperations,
  presetSchema,
  type ApiEvent,
  type Job,
  type NewRunEvent,
} from '@berth/contracts';
import { createJobProducer } from '@berth/queue/jobs';
import { createLogStream, createMembers, createRuns, openRun } from '@berth/queue';
import { waitFor } from '@berth/testing';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  configOf,
  lead,
  lineOf,
  memberOf,
  startTestApi,
  type ApiFixture,
} from '../testing/api-fixture.ts';
import { answerOf, errorOf } from '../testing/answers.ts';
import { EventReader } from '../testing/event-reader.ts';

async function submit(api: ApiFixture, name: string): Promise<void> {
  const body = { config: configOf(name), goal: 'trained' };
  expect((await api.post('/api/runs', body)).status).toBe(201);
}

describe('runs', () => {
  it('are submitted, listed, shown and controlled', async () => {
    const api = await startTestApi();
    const body = { config: configOf('a'), goal: 'trained' };
    const submitted = await answerOf('submitRun', await api.post('/api/runs', body));
    expect(submitted.run.status).toBe('queued');
    expect(await answerOf('run', await api.get('/api/runs/a'))).toEqual(submitted);
    expect(await answerOf('runs', await api.get('/api/runs'))).toEqual([submitted]);
    const stopped = await answerOf('control', await api.post('/api/runs/a/controls/stop'));
    expect(stopped.run.status).toBe('stopped');
    const resumed = await answerOf('control', await api.post('/api/runs/a/controls/resume', {}));
    expect(resumed.run.status).toBe('queued');
  });

  it('are given more steps, once that is known to work', async () => {
    const api = await startTestApi();
    await submit(api, 'a');
    const path = '/api/runs/a/extension';
    const ask = async (numSteps: number) =>
      answerOf('extension', await api.get(`${path}?numSteps=${numSteps}`));
    expect(await ask(5_000)).toEqual({
      isPossible: false,
      reason: 'Cannot extend run "a": it is queued; pause or stop it first',
    });
    await api.post('/api/runs/a/controls/stop');
    const few = await ask(1);
    expect(few.reason).toMatch(/ steps already; name more$/);
    expect(await errorOf(await api.post(path, { numSteps: 1 }))).toMatchObject({
      status: 409,
      message: few.reason,
    });
    const planned = await ask(5_000);
    expect(planned.fork).toBe('berth fork a --set train.numSteps=5000');
    expect(await errorOf(await api.post(path, { numSteps: 5_000 }))).toMatchObject({
      message: planned.reason,
    });
    expect((await api.get(`${path}?numSteps=many`)).status).toBe(422);
  });

  it('are removed once they have ended, and readers hear of it', async () => {
    const api = await startTestApi();
    await submit(api, 'a');
    await submit(api, 'b');
    const remove = (runId: string): Promise<Response> =>
      fetch(`${api.url}/api/runs/${runId}`, {
        method: 'DELETE',
        headers: { authorization: `Bearer ${api.token}` },
      });
    expect(await errorOf(await remove('a'))).toMatchObject({ status: 409 });
    await api.post('/api/runs/a/controls/stop');
    const left = await answerOf('removal', await api.get('/api/runs/a/removal'));
    expect(left).toMatchObject({ runId: 'a', status: 'stopped', isDone: false });
    const reader = new EventReader(`${api.url}/api/events`, api.token);
    onTestFinished(() => reader.cut());
    await reader.connect();
    const hears = (what: string, isHeard: (event: ApiEvent) => boolean): Promise<unknown> =>
      waitFor(() => reader.events.some(isHeard), { what });
    await hears('the run', (event) => event.type === 'run' && event.report.run.runId === 'a');
    expect((await answerOf('removeRun', await remove('a'))).isDone).toBe(true);
    await hears('its end', (event) => event.type === 'removed' && event.runId === 'a');
    const runs = await answerOf('runs', await api.get('/api/runs'));
    expect(runs.map(({ run }) => run.runId)).toEqual(['b']);
    expect((await remove('a')).status).toBe(404);
  });

  it('have a history in buckets, and metrics page by page', async () => {
    const api = await startTestApi();
    await submit(api, 'a');
    const { metrics: log } = openRun(api.connection, 'a');
    for (let step = 0; step < 50; step++) await log.append(lineOf(step));
    await log.append(lineOf(50, { kind: 'eval' }));
    const path = '/api/runs/a/history?metrics=loss,tokensPerSecond&numBuckets=10';
    const { traces, runId } = await answerOf('history', await api.get(path));
    expect(runId).toBe('a');
    expect(traces.map(({ metric, numPoints }) => [metric, numPoints])).toEqual([
      ['loss', 50],
      ['tokensPerSecond', 50],
    ]);
    expect(traces[0]?.max[0]).toBe(10);
    expect(traces[0]?.min.at(-1)).toBe(0.2);
    const zoomed = await answerOf('history', await api.get(`${path}&from=10&to=12`));
    expect(zoomed.traces[0]).toMatchObject({ x: [10, 11, 12], numPoints: 3 });
    await log.append(lineOf(51));
    const later = await answerOf('history', await api.get(path));
    expect(later.traces[0]?.numPoints).toBe(51);
    const page = await answerOf('metrics', await api.get('/api/runs/a/metrics'));
    expect(page.lines).toHaveLength(52);
    const next = await api.get(`/api/runs/a/metrics?after=${page.cursor}`);
    expect((await answerOf('metrics', next)).lines).toEqual([]);
  });

  it('have workers that can be told to leave', async () => {
    const api = await startTestApi();
    const members = createMembers(api.connection);
    const drain = (body: object) => api.post('/api/workers/w1/drain', body);
    expect((await drain({})).status).toBe(404);
    await members.heartbeat(memberOf('w1'));
    expect((await drain({ withinMs: 1 })).status).toBe(422);
    const answer = await answerOf('drainWorker', await drain({ withinMs: 2_000 }));
    expect(answer.reason).toBe('told to leave: after the step under way, within 2 s');
    const order = await members.heartbeat(memberOf('w1'));
    expect(order).toEqual({ reason: 'a person asked for it', withinMs: 2_000 });
  });

  it('have workers, and remember those that were lost', async () => {
    const api = await startTestApi();
    await submit(api, 'a');
    await lead(api, 'a');
    const members = createMembers(api.connection);
    const { views } = openRun(api.connection, 'a');
    const alive = new Set(['w1', 'w2']);
    const beat = async (): Promise<void> => {
      for (const id of alive) await members.heartbeat(memberOf(id, { runId: 'a' }));
    };
    const publish = async (
      ids: string[],
      reason: string,
      events: NewRunEvent[] = [],
    ): Promise<void> => {
      const members = ids.map((memberId, index) => ({
        memberId,
        host: '127.0.0.1',
        port: 1,
        blocks: [{ start: index, length: 1 }],
      }));
      const before = await views.current();
      const draft = { fencingEpoch: 1, mode: 'train' as const, reason, members };
      await views.publish(draft, before?.version, events);
    };
    await beat();
    await publish(['w1', 'w2'], 'two workers');
    const workers = async () => {
      await beat();
      return answerOf('workers', await api.get('/api/runs/a/workers'));
    };
    expect(await workers()).toMatchObject([
      { memberId: 'w1', rank: 0, state: 'active', blocks: [{ start: 0 }], residentBytes: 1_000 },
      { memberId: 'w2', rank: 1, state: 'active', lag: 0 },
    ]);
    alive.delete('w2');
    await members.leave('w2');
    const lost: NewRunEvent = {
      kind: 'lost',
      attempt: 1,
      timeMs: Date.now(),
      memberId: 'w2',
      text: 'w2 lost: its connection broke',
      lastHeard: { info: memberOf('w2', { runId: 'a' }), timeMs: Date.now() - 5 },
    };
    await publish(['w1'], 'without w2: its connection broke', [lost]);
    const withLost = await waitFor(
      async () => {
        const all = await workers();
        return all.length === 2 && all[1]?.state === 'lost' ? all : undefined;
      },
      { what: 'the lost worker' },
    );
    expect(withLost[1]).toMatchObject({ memberId: 'w2', reason: 'its connection broke' });
    const lastSeenAtMs = withLost[1]?.lastSeenAtMs ?? 0;
    const [, later] = await waitFor(
      async () => {
        const all = await workers();
        return (all[1]?.heartbeatAgeMs ?? 0) >= Date.now() - 20 - lastSeenAtMs ? all : undefined;
      },
      { what: 'a lost worker whose age grows' },
    );
    expect(later?.lastSeenAtMs).toBe(lastSeenAtMs);
    expect(later?.heartbeatAgeMs).toBeGreaterThan(withLost[1]?.heartbeatAgeMs ?? Infinity);
    const history = await api.get('/api/runs/a/history?metrics=loss');
    const { markers } = await answerOf('history', history);
    expect(markers.map(({ kind }) => kind)).toContain('lost');
    const cluster = await answerOf('cluster', await api.get('/api/cluster'));
    expect(cluster).toMatchObject({ isLeader: true, redis: { isOk: true }, store: { isOk: true } });
    expect(cluster.workers.map(({ memberId }) => memberId)).toEqual(['w1']);
  });

  it('have checkpoints, those that cannot be used too', async () => {
    const api = await startTestApi();
    await submit(api, 'a');
    await api.store.put(
      'runs/a/attempts/1/checkpoints/step-000000010/000000000000001.weights-0-aa.safetensors',
      Buffer.of(1),
    );
    const found = await answerOf('checkpoints', await api.get('/api/runs/a/checkpoints'));
    expect(found).toMatchObject([{ step: 10, validity: 'incomplete', sizeBytes: 1, numParts: 1 }]);
  });

  it('have logs, and all processes together too', async () => {
    const api = await startTestApi();
    await submit(api, 'a');
    const line = { app: 'worker', source: 'w', attempt: 1, step: 1, fields: {} } as const;
    await createLogStream(api.connection).append([
      { ...line, timeMs: 1, level: 'info', message: 'one', runId: 'a' },
      { ...line, timeMs: 2, level: 'warn', message: 'two', runId: null },
    ]);
    const ofRun = await answerOf('runLogs', await api.get('/api/runs/a/logs'));
    expect(ofRun.lines.map(({ message }) => message)).toEqual(['one']);
    const next = await api.get(`/api/runs/a/logs?after=${ofRun.after}`);
    expect((await answerOf('runLogs', next)).lines).toEqual([]);
    const warnings = await answerOf('logs', await api.get('/api/logs?level=warn'));
    expect(warnings.lines.map(({ message }) => message)).toEqual(['two']);
  });

  it('that are not there are named as such', async () => {
    const api = await startTestApi();
    for (const path of [
      '',
      '/history?metrics=loss',
      '/metrics',
      '/workers',
      '/checkpoints',
      '/logs',
    ])
      for (const runId of ['none', 'No_Such', '%00', '..%2f..'])
        expect(await errorOf(await api.get(`/api/runs/${runId}${path}`))).toMatchObject({
          status: 404,
          code: 'RUN_NOT_FOUND',
        });
    expect((await api.get('/api/events?run=none')).status).toBe(404);
  });
});

describe('the job queue', () => {
  it('is shown, and a failed job is asked for by name', async () => {
    const api = await startTestApi();
    const jobs = await createJobProducer(api.services.redisUrl);
    onTestFinished(() => jobs.close());
    const job: Job = { kind: 'inventory', runId: 'a', requestId: 'a'.repeat(64), askedAtMs: 1 };
    const id = await jobs.enqueue(job);
    const [queue] = await answerOf('queues', await api.get('/api/queues'));
    expect(queue).toMatchObject({ name: 'berth-jobs', counts: { waiting: 1 }, numWorkers: 0 });
    expect(await answerOf('jobs', await api.get('/api/queues/berth-jobs/jobs'))).toEqual([]);
    const retry = await api.post(`/api/queues/berth-jobs/jobs/${id}/retry`);
    expect(await answerOf('retryJob', retry)).toMatchObject({ id, state: 'waiting' });
    expect(await errorOf(await api.get('/api/queues/other/jobs'))).toMatchObject({ status: 404 });
  });
});

describe('documents', () => {
  it('say what a run file and the interface look like', async () => {
    const api = await startTestApi();
    const schema = await answerOf('configSchema', await api.get('/api/config-schema'));
    expect(schema['properties']).toHaveProperty('train');
    const presets = presetSchema.array().parse(await (await api.get('/api/presets')).json());
    expect(presets.map(({ name }) => name)).toContain('demo');
    expect(presets[0]?.config.corpus?.path).toMatch(/^\//);
    const openapi = await answerOf('openapi', await api.get('/api/openapi.json'));
    expect(openapi['openapi']).toBe('3.1.0');
    const paths = openapi['paths'] as Record<string, object>;
    const numOperations = Object.values(paths).flatMap((path) => Object.keys(path)).length;
    expect(numOperations).toBe(Object.keys(apiOperations).length);
  });
});

describe('health and metrics', () => {
  it('are ready while Redis and the store answer', async () => {
    const api = await startTestApi();
    expect((await api.get('/healthz')).status).toBe(200);
    expect((await api.get('/readyz')).status).toBe(200);
    api.connection.close();
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    expect(await errorOf(await api.get('/readyz'))).toMatchObject({
      status: 503,
      code: 'QUEUE_UNREACHABLE',
    });
    expect((await api.get('/healthz')).status).toBe(200);
  });

  it('tell Prometheus of steps, workers and jobs', async () => {
    const api = await startTestApi();
    await submit(api, 'a');
    await createRuns(api.connection).change('a', () => ({ status: 'running' }));
    const { metrics: log } = openRun(api.connection, 'a');
    for (let step = 0; step < 3; step++) await log.append(lineOf(step));
    const response = await api.get('/metrics');
    const text = await response.text();
    expect(response.headers.get('content-type')).toContain('text/plain');
    expect(text).toContain('berth_train_step{run="a"} 3');
    expect(text).toContain('berth_queue_jobs{queue="berth-jobs",state="waiting"} 0');
    // Counters begin with what this coordinator sees, and count it once.
    await log.append(lineOf(3));
    for (const _again of [1, 2]) {
      const later = await (await api.get('/metrics')).text();
      expect(later).toContain('berth_train_step{run="a"} 4');
      expect(later).toContain('berth_train_tokens_total{run="a"} 1000');
    }
  });
});
