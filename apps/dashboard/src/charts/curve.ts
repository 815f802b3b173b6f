import type { MetricsLine, Trace } from '@berth/contracts';

/** One metric of one attempt as points in rising order of x; each may stand for many. Not finite: null. */
export interface Curve {
  readonly metric: string;
  readonly attempt: number;
  readonly isAbandoned: boolean;
  readonly x: readonly number[];
  readonly mean: readonly (number | null)[];
  readonly min: readonly (number | null)[];
  readonly max: readonly (number | null)[];
  /** Measured points that each one stands for. */
  readonly weight: readonly number[];
  /** Width of its buckets in units of x; 0 when each point is a measured one. */
  readonly width: number;
}

export type Axis = 'step' | 'time';

/** A trace as the server answers it; it does not say how its points are spread over the buckets, so evenly. */
export function curveOfTrace(trace: Trace): Curve {
  const { metric, attempt, isAbandoned, x, mean, min, max, numPoints } = trace;
  const each = Math.max(1, numPoints / Math.max(1, x.length));
  const span = (x.at(-1) ?? 0) - (x[0] ?? 0);
  const width = each > 1 ? span / Math.max(1, x.length - 1) : 0;
  return { metric, attempt, isAbandoned, x, mean, min, max, weight: x.map(() => each), width };
}

/** What a metrics line says of a metric; undefined when it does not say. */
export function valueOf(line: MetricsLine, metric: string): number | null | undefined {
  if (metric === 'tokensPerSecond') {
    const { stepMs, numTokens } = line;
    return stepMs === undefined || stepMs <= 0 ? undefined : (numTokens / stepMs) * 1000;
  }
  const value = line[metric];
  if (value === undefined) return undefined;
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

/**
 * Appends live metrics lines of one kind to the curves of these metrics. Lines that a curve has already are left out, so
 * a stream may repeat itself. A curve longer than `limit` is made coarser; no extreme is lost.
 */
export function appendLines(
  curves: readonly Curve[],
  lines: readonly MetricsLine[],
  { metrics, axis, limit }: { metrics: readonly string[]; axis: Axis; limit: number },
): readonly Curve[] {
  if (lines.length === 0) return curves;
  const result = [...curves];
  const attempts = new Set(lines.map((line) => line.attempt));
  for (const attempt of attempts)
    for (const metric of metrics) {
      const place = result.findIndex(
        (curve) => curve.metric === metric && curve.attempt === attempt && !curve.isAbandoned,
      );
      const own = lines.filter((line) => line.attempt === attempt);
      const before = result[place] ?? emptyCurve(metric, attempt);
      const after = coarsen(extend(before, own, axis), limit);
      if (after.x.length === 0 || after === before) continue;
      if (place < 0) result.push(after);
      else result[place] = after;
    }
  return result;
}

function emptyCurve(metric: string, attempt: number): Curve {
  return {
    metric,
    attempt,
    isAbandoned: false,
    x: [],
    mean: [],
    min: [],
    max: [],
    weight: [],
    width: 0,
  };
}

function extend(curve: Curve, lines: readonly MetricsLine[], axis: Axis): Curve {
  let last = curve.x.at(-1) ?? -Infinity;
  const x: number[] = [];
  const values: (number | null)[] = [];
  for (const line of lines) {
    const at = axis === 'step' ? line.step : line.timeMs;
    const value = valueOf(line, curve.metric);
    if (at <= last || value === undefined) continue;
    x.push(at);
    values.push(value);
    last = at;
  }
  if (x.length === 0) return curve;
  return fillBuckets(curve, x, values);
}

/** Puts new points into the last bucket while they fall into it, so that the end looks like the rest. */
function fillBuckets(
  curve: Curve,
  x: readonly number[],
  values: readonly (number | null)[],
): Curve {
  const points = curve.x.length === 0 ? [] : [pointOf(curve, curve.x.length - 1)];
  const bucketOf = (at: number): number => (curve.width > 0 ? Math.floor(at / curve.width) : at);
  x.forEach((at, i) => {
    const value = values[i] ?? null;
    const point = { x: at, mean: value, min: value, max: value, weight: 1 };
    const last = points.at(-1);
    if (last !== undefined && bucketOf(last.x) === bucketOf(at))
      points.splice(-1, 1, joined(last, point));
    else points.push(point);
  });
  const kept = Math.max(0, curve.x.length - 1);
  return {
    ...curve,
    x: [...curve.x.slice(0, kept), ...points.map((point) => point.x)],
    mean: [...curve.mean.slice(0, kept), ...points.map((point) => point.mean)],
    min: [...curve.min.slice(0, kept), ...points.map((point) => point.min)],
    max: [...curve.max.slice(0, kept), ...points.map((point) => point.max)],
    weight: [...curve.weight.slice(0, kept), ...points.map((point) => point.weight)],
  };
}

/** Joins pairs of points, the lightest ones first, until no more than `limit` are left. */
export function coarsen(curve: Curve, limit: number): Curve {
  let current = curve;
  while (current.x.length > limit) {
    const lightest = Math.min(...current.weight);
    const next = joinPairs(current, lightest * 2);
    // Weights all differ: nothing pairs up below the bound.
    current = next.x.length < current.x.length ? next : joinPairs(current, Infinity);
  }
  return current;
}

function joinPairs(curve: Curve, heaviest: number): Curve {
  const x: number[] = [];
  const mean: (number | null)[] = [];
  const min: (number | null)[] = [];
  const max: (number | null)[] = [];
  const weight: number[] = [];
  for (let i = 0; i < curve.x.length; i++) {
    const a = pointOf(curve, i);
    const canJoin =
      i + 1 < curve.x.length && a.weight < heaviest && weightAt(curve, i + 1) < heaviest;
    const point = canJoin ? joined(a, pointOf(curve, ++i)) : a;
    x.push(point.x);
    mean.push(point.mean);
    min.push(point.min);
    max.push(point.max);
    weight.push(point.weight);
  }
  const span = (x.at(-1) ?? 0) - (x[0] ?? 0);
  return { ...curve, x, mean, min, max, weight, width: span / Math.max(1, x.length - 1) };
}

interface Point {
  readonly x: number;
  readonly mean: number | null;
  readonly min: number | null;
  readonly max: number | null;
  readonly weight: number;
}

function pointOf(curve: Curve, i: number): Point {
  return {
    x: curve.x[i] ?? 0,
    mean: curve.mean[i] ?? null,
    min: curve.min[i] ?? null,
    max: curve.max[i] ?? null,
    weight: weightAt(curve, i),
  };
}

function weightAt(curve: Curve, i: number): number {
  return curve.weight[i] ?? 1;
}

/** The later x stands for both, so that lines already in are still recognised. */
function joined(a: Point, b: Point): Point {
  const weight = a.weight + b.weight;
  return {
    x: b.x,
    mean:
      a.mean === null || b.mean === null ? null : (a.mean * a.weight + b.mean * b.weight) / weight,
    min: least(a.min, b.min, Math.min),
    max: least(a.max, b.max, Math.max),
    weight,
  };
}

function least(
  a: number | null,
  b: number | null,
  choose: (a: number, b: number) => number,
): number | null {
  if (a === null) return b;
  return b === null ? a : choose(a, b);
}
