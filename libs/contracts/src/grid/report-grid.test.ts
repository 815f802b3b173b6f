import { describe, expect, it } from 'vitest';
import { parseRunConfig } from '../config-parse.ts';
import type { RunStatus } from '../run-status.ts';
import { gridReport, gridReports, noSuchGrid, type GridRun } from './report-grid.ts';

interface Point {
  readonly point: number;
  readonly values: Readonly<Record<string, unknown>>;
  readonly status?: RunStatus;
  /** Of its best checkpoint; null when none was evaluated. */
  readonly score?: number | null;
  readonly loss?: number;
}

const task = { kind: 'classify', train: '/a.csv', labels: ['0', '1'] };

function runOf(
  name: string,
  { point, values, status = 'completed', score = 0.5, loss = 1 }: Point,
  section: object = task,
): GridRun {
  const runId = `${name}-${point}`;
  const config = parseRunConfig(
    { name: runId, task: section, vocabulary: { path: '/v.txt' } },
    'test',
  );
  const evaluation = { attempt: 1, step: 30, loss, ...(score !== null && { score }) };
  const run = {
    runId,
    config,
    status,
    reason: 'why',
    createdAtMs: point,
    grid: { name, point, values: { ...values } },
  };
  return {
    run: run as unknown as GridRun['run'],
    step: 30,
    numSteps: 30,
    etaMs: null,
    best: evaluation,
  };
}

const point = (number: number, rate: number, seed: number, more: Partial<Point> = {}): Point => ({
  point: number,
  values: { 'optimizer.learningRate': rate, seed },
  ...more,
});

describe('the report of a grid', () => {
  it('has mean and spread over seeds, and names the best of both kinds', () => {
    const runs = [
      point(4, 5e-5, 2, { score: 0.92 }),
      point(1, 2e-5, 1, { score: 0.8 }),
      point(2, 2e-5, 2, { score: 0.9 }),
      point(3, 5e-5, 1, { score: 0.72 }),
    ].map((one) => runOf('g', one));
    const report = gridReport('g', runs)!;
    expect(report).toMatchObject({
      paths: ['optimizer.learningRate', 'seed'],
      metric: { name: 'classify_accuracy', isMoreBetter: true },
      numCompleted: 4,
      isOver: true,
      bestCombination: 0,
      bestPoint: 4,
      createdAtMs: 1,
    });
    expect(report.points.map(({ runId }) => runId)).toEqual(['g-1', 'g-2', 'g-3', 'g-4']);
    expect(report.points[0]!.best).toEqual({ step: 30, value: 0.8, loss: 1 });
    const [low, high] = report.combinations;
    expect(low).toMatchObject({ values: { 'optimizer.learningRate': 2e-5 }, points: [1, 2] });
    expect([low!.mean, low!.spread].map((one) => one?.toFixed(6))).toEqual([
      '0.850000',
      '0.070711',
    ]);
    expect(high!.spread!.toFixed(6)).toBe('0.141421');
  });

  it('counts what is completed alone', () => {
    const runs = [
      point(1, 2e-5, 1, { score: 0.6 }),
      point(2, 2e-5, 2, { score: 0.9, status: 'running' }),
      point(3, 5e-5, 1, { score: 0.9, status: 'failed' }),
      point(4, 5e-5, 2, { status: 'queued' }),
    ].map((one) => runOf('g', one));
    const report = gridReport('g', runs)!;
    expect(report).toMatchObject({ numCompleted: 1, isOver: false, bestPoint: 1 });
    expect(report.combinations).toMatchObject([
      { numValues: 1, mean: 0.6, spread: null },
      { numValues: 0, mean: null, spread: null, meanLoss: null },
    ]);
  });

  it('takes less for better where it is, and of equal ones that with the lesser loss', () => {
    const section = { kind: 'regress', train: '/a.csv', metric: 'regress_loss' };
    const runs = [
      point(1, 1e-5, 1, { score: -0.5 }),
      point(2, 2e-5, 1, { score: -0.2, loss: 3 }),
      point(3, 5e-5, 1, { score: -0.2, loss: 2 }),
    ].map((one) => runOf('g', one, section));
    const report = gridReport('g', runs)!;
    expect(report).toMatchObject({
      metric: { name: 'regress_loss', isMoreBetter: false },
      bestPoint: 3,
      bestCombination: 2,
    });
    expect(report.points.map(({ best }) => best?.value)).toEqual([0.5, 0.2, 0.2]);
  });

  it('goes by the loss where that is asked for', () => {
    const runs = [point(1, 1e-5, 1, { loss: 0.3 }), point(2, 2e-5, 1, { loss: 0.2 })].map((one) =>
      runOf('g', one, { ...task, metric: 'loss' }),
    );
    expect(gridReport('g', runs)).toMatchObject({ metric: { name: 'loss' }, bestPoint: 2 });
  });

  it('has no best where a metric is not defined', () => {
    const runs = [runOf('g', point(1, 1e-5, 1, { score: null }))];
    expect(gridReport('g', runs)).toMatchObject({ bestPoint: null, bestCombination: null });
  });

  it('is one for each grid, newest first', () => {
    const runs = [runOf('old', point(1, 1, 1)), runOf('new', point(2, 1, 1))];
    expect(gridReports(runs).map(({ name }) => name)).toEqual(['new', 'old']);
    expect(gridReport('none', runs)).toBeUndefined();
    expect(noSuchGrid(runs, 'none').message).toContain('known grids: old, new');
  });
});
