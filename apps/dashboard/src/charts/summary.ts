import type { Line } from './lines.ts';

/** Which way is good. */
export type Aim = 'low' | 'high' | 'none';

export interface SummaryOptions {
  readonly aim: Aim;
  readonly format: (value: number) => string;
  readonly formatX: (x: number) => string;
}

/** The last share of a line that its trend is read from. */
const trendShare = 0.2;
/** Changes below this share of the line's range are no trend. */
const flatShare = 0.01;

/** One sentence on a line: the last value, the best, where it is going; '' when it has none. */
export function summarise(line: Line | undefined, options: SummaryOptions): string {
  const points = line === undefined ? [] : pointsOf(line);
  const last = points.at(-1);
  if (line === undefined || last === undefined) return '';
  const { aim, format, formatX } = options;
  const best = bestOf(points, aim);
  const parts = [
    `${line.label.replace(', train', ' in training')} is ${format(last.y)} at ${formatX(last.x)}`,
  ];
  if (best !== undefined)
    parts.push(
      best.x === last.x ? 'its best so far' : `best ${format(best.y)} at ${formatX(best.x)}`,
    );
  parts.push(trendOf(points));
  return `${parts.filter((part) => part !== '').join(', ')}.`;
}

/** One sentence on lines that add up: which takes how much of the whole lately; '' when nothing was measured. */
export function summariseShares(lines: readonly Line[]): string {
  const means = lines.map((line) => ({
    label: line.label,
    mean: meanOf(pointsOf(line).slice(-tailLength)),
  }));
  const whole = means.reduce((sum, { mean }) => sum + mean, 0);
  if (whole <= 0) return '';
  const parts = means
    .toSorted((a, b) => b.mean - a.mean)
    .map(({ label, mean }) => `${label.toLowerCase()} ${Math.round((mean / whole) * 100)}%`);
  return `Lately ${parts.join(', ')}.`;
}

/** Points that "lately" is about. */
const tailLength = 20;

interface Point {
  readonly x: number;
  readonly y: number;
}

function pointsOf({ x, y }: Line): Point[] {
  return x.flatMap((at, i) => {
    const value = y[i];
    return typeof value === 'number' ? [{ x: at, y: value }] : [];
  });
}

function bestOf(points: readonly Point[], aim: Aim): Point | undefined {
  if (aim === 'none') return undefined;
  return points.reduce((best, point) =>
    (aim === 'low' ? point.y < best.y : point.y > best.y) ? point : best,
  );
}

function trendOf(points: readonly Point[]): string {
  if (points.length < 10) return '';
  const tail = points.slice(-Math.max(4, Math.ceil(points.length * trendShare)));
  const half = tail.length >> 1;
  const change = meanOf(tail.slice(half)) - meanOf(tail.slice(0, half));
  const values = points.map((point) => point.y);
  const range = values.reduce((a, b) => Math.max(a, b)) - values.reduce((a, b) => Math.min(a, b));
  if (Math.abs(change) <= range * flatShare) return 'steady lately';
  return change < 0 ? 'falling lately' : 'rising lately';
}

function meanOf(points: readonly Point[]): number {
  return points.reduce((sum, point) => sum + point.y, 0) / Math.max(1, points.length);
}
