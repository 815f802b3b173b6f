import type { RunStatusReport } from '@berth/contracts';
import type { GridReport } from '@berth/contracts/constants';
import { describe, expect, it } from 'vitest';
import { gridChart } from './grid-chart-model.ts';
import { sayValues, trainedMs } from './grid-words.ts';
import { groupRuns } from './group-runs.ts';

const runOf = (runId: string, grid?: { name: string; point: number }): RunStatusReport =>
  ({ run: { runId, grid } }) as unknown as RunStatusReport;

it('lists the runs of a grid together, where the first of them is', () => {
  const listed = groupRuns([
    runOf('a'),
    runOf('g-2', { name: 'g', point: 2 }),
    runOf('b'),
    runOf('g-1', { name: 'g', point: 1 }),
  ]);
  expect(
    listed.map((one) =>
      one.kind === 'run' ? one.report.run.runId : one.reports.map(({ run }) => run.runId),
    ),
  ).toEqual(['a', ['g-1', 'g-2'], 'b']);
});

describe('the chart of a grid', () => {
  const settings = [1e-4, 2e-5].flatMap((rate) =>
    [16, 32].flatMap((batch) => [1, 2].map((seed) => ({ rate, batch, seed }))),
  );
  const report = {
    paths: ['optimizer.learningRate', 'train.globalBatch', 'seed'],
    points: settings.map(({ rate, batch, seed }, i) => ({
      point: i + 1,
      values: { 'optimizer.learningRate': rate, 'train.globalBatch': batch, seed },
      status: i === 0 ? 'running' : 'completed',
      best: i === 7 ? null : { step: 1, value: i / 10, loss: 1 },
    })),
    combinations: [
      { values: { 'optimizer.learningRate': 2e-5, 'train.globalBatch': 32 }, mean: 0.6 },
      { values: { 'optimizer.learningRate': 1e-4, 'train.globalBatch': 16 }, mean: null },
    ],
  } as unknown as GridReport;

  it('has the first setting that differs along its axis, in rising order, and the others as series', () => {
    const { path, places, series, dots, means } = gridChart(report);
    expect(path).toBe('optimizer.learningRate');
    expect(places).toEqual(['2e−5', '1e−4']);
    expect(series).toEqual(['globalBatch 16', 'globalBatch 32']);
    expect(dots).toHaveLength(7);
    expect(dots[0]).toEqual({ point: 1, place: 1, series: 0, value: 0, isPreliminary: true });
    expect(dots[6]).toEqual({ point: 7, place: 0, series: 1, value: 0.6, isPreliminary: false });
    expect(means).toEqual([{ place: 0, series: 1, value: 0.6 }]);
  });

  it('has one place where nothing but the seed differs', () => {
    const points = report.points.slice(0, 2).map((one, i) => ({ ...one, values: { seed: i } }));
    const chart = gridChart({ ...report, paths: ['seed'], points, combinations: [] });
    expect(chart).toMatchObject({ path: undefined, places: [''], series: ['all alike'] });
    expect(chart.dots.map(({ place, series }) => [place, series])).toEqual([
      [0, 0],
      [0, 0],
    ]);
  });
});

it('says settings by the ends of their paths', () => {
  expect(sayValues({ 'train.globalBatch': 32, 'task.classWeights': 'balanced' })).toBe(
    'globalBatch 32, classWeights balanced',
  );
});

it('adds up the time of all attempts', () => {
  const attempts = [
    { startedAtMs: 0, endedAtMs: 5_000 },
    { startedAtMs: 100_000, endedAtMs: null },
  ];
  const report = { step: 3, run: { attempts } } as unknown as RunStatusReport;
  expect(trainedMs(report, 101_000)).toBe(6_000);
  expect(trainedMs({ ...report, step: 0 }, 101_000)).toBeNull();
});
