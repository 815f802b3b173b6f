import type { Axis, Curve } from './curve.ts';
import { smooth } from './smoothing.ts';

/** A line of a chart: points in order of x, a gap where y is null. */
export interface Line {
  readonly key: string;
  readonly label: string;
  /** Name of a colour token. */
  readonly colour: string;
  readonly isDashed: boolean;
  /** Small and faint: what was measured, under its smoothed line. */
  readonly isFaint: boolean;
  /** Measured at some steps only: its points count, not what is between them. */
  readonly isSampled: boolean;
  /** The attempt that was left behind, of a dashed line. */
  readonly attempt?: number;
  readonly x: readonly number[];
  readonly y: readonly (number | null)[];
  /** Least and greatest value of what each point stands for. */
  readonly band?: { min: readonly (number | null)[]; max: readonly (number | null)[] };
}

export interface LineOptions {
  readonly key: string;
  readonly label: string;
  readonly colour: string;
  readonly metric: string;
  readonly axis: Axis;
  /** In units of x; 0: none. */
  readonly smoothing: number;
  readonly hasBand: boolean;
  readonly isSampled: boolean;
}

/** The run's own line first, then one grey dashed line per attempt that it left behind. */
export function linesOf(curves: readonly Curve[], options: LineOptions): Line[] {
  const own = curves.filter((curve) => curve.metric === options.metric && curve.x.length > 0);
  const kept = own.filter((curve) => !curve.isAbandoned).toSorted((a, b) => a.attempt - b.attempt);
  const left = own.filter((curve) => curve.isAbandoned);
  return [...keptLines(kept, options), ...left.map((curve) => abandonedLine(curve, options))];
}

function keptLines(curves: readonly Curve[], options: LineOptions): Line[] {
  if (curves.length === 0) return [];
  const whole = withGaps(joinCurves(curves), options.axis);
  const { key, label, colour, smoothing, isSampled } = options;
  const base = { key, label, colour, isSampled, isDashed: false, isFaint: false, x: whole.x };
  const band = options.hasBand ? { band: { min: whole.min, max: whole.max } } : {};
  if (smoothing <= 0) return [{ ...base, y: whole.mean, ...band }];
  return [
    { ...base, label: `${label}, smoothed`, y: smooth(whole.x, whole.mean, smoothing), ...band },
    { ...base, key: `${key}-raw`, isFaint: true, y: whole.mean },
  ];
}

function abandonedLine(curve: Curve, { key, label, smoothing, isSampled }: LineOptions): Line {
  return {
    key: `${key}-abandoned-${curve.attempt}`,
    label: `${label}, attempt ${curve.attempt}, left behind`,
    colour: 'series-abandoned',
    isDashed: true,
    attempt: curve.attempt,
    isFaint: false,
    isSampled,
    x: curve.x,
    y: smooth(curve.x, curve.mean, smoothing),
  };
}

interface Points {
  readonly x: number[];
  readonly mean: (number | null)[];
  readonly min: (number | null)[];
  readonly max: (number | null)[];
}

/** Attempts follow one another; where they overlap, in time or by a bucket, the later one holds. */
function joinCurves(curves: readonly Curve[]): Points {
  const points: Points = { x: [], mean: [], min: [], max: [] };
  curves.forEach((curve, place) => {
    const next = curves[place + 1]?.x[0] ?? Infinity;
    curve.x.forEach((x, i) => {
      if (x >= next) return;
      points.x.push(x);
      points.mean.push(curve.mean[i] ?? null);
      points.min.push(curve.min[i] ?? null);
      points.max.push(curve.max[i] ?? null);
    });
  });
  return points;
}

/** Distances this many times the usual one are time in which nothing was measured. */
const gapFactor = 8;
const shortestGapMs = 15_000;

function withGaps(points: Points, axis: Axis): Points {
  if (points.x.length < 4) return points;
  const distances = points.x.slice(1).map((x, i) => x - (points.x[i] ?? x));
  const usual = distances.toSorted((a, b) => a - b)[distances.length >> 1] ?? 0;
  const widest = Math.max(usual * gapFactor, axis === 'time' ? shortestGapMs : 0);
  const result: Points = { x: [], mean: [], min: [], max: [] };
  points.x.forEach((x, i) => {
    const previous = points.x[i - 1];
    if (previous !== undefined && x - previous > widest) {
      result.x.push((x + previous) / 2);
      for (const column of [result.mean, result.min, result.max]) column.push(null);
    }
    result.x.push(x);
    result.mean.push(points.mean[i] ?? null);
    result.min.push(points.min[i] ?? null);
    result.max.push(points.max[i] ?? null);
  });
  return result;
}

/** Where something that is not a finite number was measured. */
export function notFiniteAt(curves: readonly Curve[], metrics: readonly string[]): number[] {
  const places = curves
    .filter((curve) => metrics.includes(curve.metric))
    .flatMap((curve) => curve.x.filter((_, i) => curve.mean[i] === null));
  return [...new Set(places)].toSorted((a, b) => a - b);
}
