import type { GridReport, RunStatusReport, WireError } from '@berth/contracts';
import { createRuns } from '@berth/queue';
import { queueOf } from '@berth/protocol';
import { describe, expect, it } from 'vitest';
import { configOf, startTestApi, type ApiFixture } from '../testing/api-fixture.ts';

let api: ApiFixture;
const goal = 'trained';
const rates = [1e-5, 2e-5];
const written = (grid: object, change: object = {}): object => ({
  name: 'g',
  corpus: { path: '/text' },
  grid,
  ...change,
});
const first = { 'optimizer.learningRate': rates, seed: [1, 2] };

async function submit(config: object): Promise<GridReport> {
  const response = await api.post('/api/grids', { config, goal });
  expect(response.status).toBe(201);
  return (await response.json()) as GridReport;
}

async function refused(path: string, body: object): Promise<WireError> {
  const response = await api.post(path, body);
  expect(response.ok).toBe(false);
  return (await response.json()) as WireError;
}

const runs = () => createRuns(api.connection);
const idsOf = ({ points }: GridReport): string[] => points.map(({ runId }) => runId);
const end = (runId: string, status: 'completed' | 'stopped'): Promise<unknown> =>
  runs().change(runId, ({ attempts }) => ({
    status,
    attempts: attempts.map((one) => ({
      ...one,
      endedAtMs: 2,
      toStep: status === 'completed' ? 1_000 : 0,
    })),
  }));

/** With the grid of four submitted. */
async function start(): Promise<GridReport> {
  api = await startTestApi();
  return submit(written(first));
}

describe('a grid that is submitted', () => {
  it('becomes runs that say which point they are, queued in their order', async () => {
    const report = await start();
    expect(idsOf(report)).toEqual(['g-1', 'g-2', 'g-3', 'g-4']);
    expect(report).toMatchObject({ paths: Object.keys(first), numCompleted: 0, isOver: false });
    const records = await runs().list();
    expect(queueOf(records).map(({ runId }) => runId)).toEqual(['g-1', 'g-2', 'g-3', 'g-4']);
    expect(records.find(({ runId }) => runId === 'g-3')).toMatchObject({
      config: { name: 'g-3', seed: 1, optimizer: { learningRate: 2e-5 } },
      grid: { name: 'g', point: 3, values: { 'optimizer.learningRate': 2e-5, seed: 1 } },
    });
  });

  it('changes nothing when it is submitted again, but what rests goes on', async () => {
    await start();
    await end('g-1', 'completed');
    await end('g-2', 'stopped');
    const [before] = (await runs().list()).filter(({ runId }) => runId === 'g-1');
    const report = await submit(written(first));
    expect(report.points.map(({ status }) => status)).toEqual([
      'completed',
      'queued',
      'queued',
      'queued',
    ]);
    expect(await runs().read('g-1')).toEqual(before);
  });

  it('gets the points that are new, and keeps the others by their values', async () => {
    await start();
    const seeds = { 'optimizer.learningRate': rates, seed: [3, 1, 2] };
    const report = await submit(written(seeds));
    const of = (seed: number): string[] =>
      report.points.filter(({ values }) => values['seed'] === seed).map(({ runId }) => runId);
    expect(of(1)).toEqual(['g-1', 'g-3']);
    expect(of(2)).toEqual(['g-2', 'g-4']);
    expect(of(3)).toEqual(['g-5', 'g-6']);
  });

  it('is refused for what its runs contradict, before any is made', async () => {
    await start();
    await end('g-1', 'completed');
    const body = (grid: object, change?: object) => ({ config: written(grid, change), goal });
    const other = { 'optimizer.learningRate': rates };
    expect((await refused('/api/grids', body(other))).message).toContain(
      'The runs of grid "g" differ in optimizer.learningRate, seed; this file says optimizer.learningRate',
    );
    const more = { ...first, seed: [1, 2, 9] };
    const changed = body(more, { train: { globalBatch: 8 } });
    expect((await refused('/api/grids', changed)).message).toContain('train.globalBatch');
    expect(await runs().list()).toHaveLength(4);
    expect((await refused('/api/grids', body({ seed: [] }))).code).toBe('CONFIG_INVALID');
    expect((await refused('/api/runs', body(first))).message).toContain(
      'grid: a grid is several runs',
    );
    const single = { config: configOf('g'), goal };
    expect((await refused('/api/grids', single)).message).toContain('grid is missing');
    expect((await refused('/api/runs', single)).message).toContain('There is a grid "g" already');
  });

  it('does not take the names of other runs', async () => {
    await start();
    await api.post('/api/runs', { config: configOf('h'), goal });
    await api.post('/api/runs', { config: configOf('i-2'), goal });
    for (const [name, taken] of [
      ['h', 'h'],
      ['i', 'i-2'],
    ]) {
      const body = { config: written(first, { name }), goal };
      expect((await refused('/api/grids', body)).message).toContain(
        `There is a run "${taken}" already`,
      );
    }
    expect(await runs().list()).toHaveLength(6);
  });

  it('is told of by its name, and stopped and resumed as a whole', async () => {
    await start();
    await end('g-1', 'completed');
    const report = (await (await api.get('/api/grids/g')).json()) as GridReport;
    expect(idsOf(report)).toHaveLength(4);
    const all = (await (await api.get('/api/grids')).json()) as GridReport[];
    expect(all).toEqual([report]);
    expect((await api.get('/api/grids/x')).status).toBe(404);
    const stopped = await api.post('/api/grids/g/controls/stop', {});
    const statuses = async (response: Response): Promise<string[]> =>
      ((await response.json()) as GridReport).points.map(({ status }) => status);
    expect(await statuses(stopped)).toEqual(['completed', 'stopped', 'stopped', 'stopped']);
    const resumed = await api.post('/api/grids/g/controls/resume', {});
    expect(await statuses(resumed)).toEqual(['completed', 'queued', 'queued', 'queued']);
    const one = (await (await api.get('/api/runs/g-2')).json()) as RunStatusReport;
    expect(one.run.grid).toEqual({
      name: 'g',
      point: 2,
      values: { 'optimizer.learningRate': 1e-5, seed: 2 },
    });
  });
});
