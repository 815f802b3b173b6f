import { BerthError } from '../errors.ts';
import { isFinal } from '../run-status.ts';
import type { RunStatusReport } from '../run.ts';
import { evaluationMetrics, type Task } from '../tasks/task.ts';
import { taskOfRun } from '../tasks/tasks.ts';
import { combinationsOf, resultOf } from './combinations.ts';
import type { GridMetric, GridPointReport, GridReport } from './grid-report.ts';

/** What of a run its place in the table follows from. */
export type GridRun = Pick<RunStatusReport, 'run' | 'step' | 'numSteps' | 'best' | 'etaMs'>;

/** The grids among some runs, newest first. */
export function gridReports(runs: readonly GridRun[]): GridReport[] {
  const names = new Set(runs.flatMap(({ run }) => run.grid?.name ?? []));
  return [...names]
    .map((name) => gridReport(name, runs)!)
    .sort((a, b) => b.createdAtMs - a.createdAtMs);
}

/** What came out at the points of a grid; undefined when no run is of it. */
export function gridReport(name: string, runs: readonly GridRun[]): GridReport | undefined {
  const own = runs
    .filter(({ run }) => run.grid?.name === name)
    .toSorted((a, b) => a.run.grid!.point - b.run.grid!.point);
  const [first] = own;
  if (first === undefined) return undefined;
  const metric = metricOf(own);
  const points = own.map((report) => pointReport(report, metric));
  const combinations = combinationsOf(points);
  return {
    name,
    paths: Object.keys(first.run.grid!.values),
    metric,
    points,
    numCompleted: points.filter(({ status }) => status === 'completed').length,
    isOver: points.every(({ status }) => isFinal(status)),
    combinations,
    bestCombination: bestOf(
      combinations.map(({ mean, meanLoss }) => ({ value: mean, loss: meanLoss })),
      metric,
    ),
    bestPoint: numberOfBest(points, metric),
    createdAtMs: Math.min(...own.map(({ run }) => run.createdAtMs)),
  };
}

/** A `RUN_NOT_FOUND` naming the grids that there are. */
export function noSuchGrid(runs: readonly GridRun[], name: string): BerthError {
  const known = [...new Set(runs.flatMap(({ run }) => run.grid?.name ?? []))];
  return new BerthError(
    'RUN_NOT_FOUND',
    `There is no grid "${name}"; known grids: ${known.slice(0, 10).join(', ') || 'none'}`,
  );
}

/** That of a run whose data is known, where one is: labels decide which metrics there are. */
function metricOf(own: readonly GridRun[]): GridMetric {
  const { run } = own.find((one) => one.run.labelledData !== undefined) ?? own[0]!;
  return chosenMetric(taskOfRun(run), run.config.task?.metric);
}

function chosenMetric(task: Task, asked: string | undefined): GridMetric {
  const by = asked ?? task.bestBy;
  const metric = evaluationMetrics(task).find(({ name }) => name === by);
  return metric === undefined
    ? { name: 'loss', label: 'loss', isMoreBetter: false }
    : { name: by, label: metric.label, isMoreBetter: metric.isMoreBetter };
}

function pointReport(
  { run, step, numSteps, best, etaMs }: GridRun,
  metric: GridMetric,
): GridPointReport {
  const { runId, status, reason, grid } = run;
  const { point, values } = grid!;
  return {
    runId,
    point,
    values,
    status,
    reason,
    step,
    numSteps,
    etaMs,
    best: best && { step: best.step, value: valueOf(best, metric), loss: best.loss },
  };
}

/** A score is such that more is better. */
function valueOf(
  { loss, score }: NonNullable<GridRun['best']>,
  { name, isMoreBetter }: GridMetric,
): number | null {
  if (name === 'loss') return loss;
  return score === undefined ? null : isMoreBetter ? score : -score;
}

function numberOfBest(points: readonly GridPointReport[], metric: GridMetric): number | null {
  const completed = points.filter((point) => resultOf(point).length > 0);
  const best = bestOf(
    completed.map((point) => point.best!),
    metric,
  );
  return best === null ? null : completed[best]!.point;
}

interface Judged {
  readonly value: number | null;
  readonly loss: number | null;
}

/** Position of the best: by the value, of equal ones by the loss, of equal ones the first. */
function bestOf(all: readonly Judged[], { isMoreBetter }: GridMetric): number | null {
  const worth = ({ value }: Judged): number => (isMoreBetter ? value! : -value!);
  let best: number | null = null;
  for (const [index, one] of all.entries()) {
    if (one.value === null) continue;
    const other = best === null ? undefined : all[best]!;
    const isBetter =
      other === undefined ||
      worth(one) > worth(other) ||
      (one.value === other.value && one.loss! < other.loss!);
    if (isBetter) best = index;
  }
  return best;
}
