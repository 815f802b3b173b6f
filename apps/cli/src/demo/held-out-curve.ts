import { baselinesOf, type Metric, type MetricsLine, type Task } from '@berth/contracts';
import { fixed, formatCount } from '../format.ts';

/** Characters of a bar that reaches the largest value. */
const barLength = 48;
const maxRows = 12;

/**
 * A metric over a run's evaluations as bars, with a mark in every row where each baseline lies; [] without evaluations.
 * @param evals - oldest first
 */
export function heldOutCurve(task: Task, metric: Metric, evals: readonly MetricsLine[]): string[] {
  const last = evals.at(-1);
  if (last === undefined) return [];
  const baselines = baselinesOf(task, metric.name).flatMap(({ name, label }) => {
    const value = last[name];
    return typeof value === 'number' ? [{ label, value }] : [];
  });
  const shown = evenly(evals, maxRows);
  const values = shown.map((line) => valueOf(line, metric));
  const largest = Math.max(...values, ...baselines.map(({ value }) => value));
  const columnOf = (value: number): number => Math.round((barLength * value) / largest);
  const marks = new Set(baselines.map(({ value }) => columnOf(value)));
  const rows = shown.map((line, row) => {
    const bar = barOf(columnOf(values[row] ?? 0), marks);
    return `  step ${formatCount(line.step).padStart(5)}  ${fixed(line, metric.name)}  ${bar}`.trimEnd();
  });
  const legend = baselines.map(({ label, value }) => `${label} ${value.toFixed(3)}`).join(', ');
  return [
    `${metric.label}, held-out${legend === '' ? '' : `; ┊ is what knowing nothing reaches: ${legend}`}`,
    ...rows,
  ];
}

function barOf(length: number, marks: ReadonlySet<number>): string {
  return Array.from({ length: barLength + 1 }, (_, column) => {
    if (marks.has(column)) return '┊';
    return column < length ? '█' : ' ';
  }).join('');
}

function valueOf(line: MetricsLine, { name }: Metric): number {
  const value = line[name];
  return typeof value === 'number' && Number.isFinite(value) ? value : 0;
}

/** At most `count` of them, the first and the last among them. */
function evenly<T>(items: readonly T[], count: number): T[] {
  if (items.length <= count) return [...items];
  return Array.from(
    { length: count },
    (_, i) => items[Math.round((i * (items.length - 1)) / (count - 1))]!,
  );
}
