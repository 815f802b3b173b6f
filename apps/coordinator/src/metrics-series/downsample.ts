/** Points of a line, by ascending x. */
export interface Points {
  readonly x: Float64Array;
  /** NaN where there is no value; infinite where there is one that is not finite. */
  readonly y: Float64Array;
}

export interface DownsampleOptions {
  /** Ends of what is shown, both included. */
  readonly from: number;
  readonly to: number;
  /** Buckets at most. */
  readonly numBuckets: number;
}

/** What is drawn for some points; see `traceSchema`. */
export interface Buckets {
  readonly x: number[];
  readonly mean: (number | null)[];
  readonly min: (number | null)[];
  readonly max: (number | null)[];
  readonly numPoints: number;
}

/**
 * Cuts what is shown into buckets of equal width and says of each its mean and its extremes. Few points are buckets of
 * their own. Buckets lie at the middle of their points, so their order is that of the points.
 */
export function downsample(points: Points, options: DownsampleOptions): Buckets {
  const { from, to, numBuckets } = options;
  const { x, y } = points;
  const start = firstNotBelow(x, from);
  const end = partition(x.length, (index) => (x[index] ?? 0) > to);
  const numPoints = countValues(y, start, end);
  const buckets: Buckets = { x: [], mean: [], min: [], max: [], numPoints };
  if (numPoints <= numBuckets) {
    for (let index = start; index < end; index++) addBucket(buckets, points, index, index + 1);
    return buckets;
  }
  const low = x[start] ?? 0;
  const width = ((x[end - 1] ?? low) - low) / numBuckets;
  let begin = start;
  for (let bucket = 1; bucket <= numBuckets; bucket++) {
    const next = bucket === numBuckets ? end : firstNotBelow(x, low + bucket * width);
    addBucket(buckets, points, begin, next);
    begin = next;
  }
  return buckets;
}

/** Adds what the points [start, end) are together, unless none of them has a value. */
function addBucket(buckets: Buckets, { x, y }: Points, start: number, end: number): void {
  let count = 0;
  let isWhole = true;
  let sum = 0;
  let min = Infinity;
  let max = -Infinity;
  let first = -1;
  let last = -1;
  for (let index = start; index < end; index++) {
    const value = y[index] as number;
    if (Number.isNaN(value)) continue;
    if (first < 0) first = index;
    last = index;
    if (!Number.isFinite(value)) {
      isWhole = false;
      continue;
    }
    count++;
    sum += value;
    if (value < min) min = value;
    if (value > max) max = value;
  }
  if (first < 0) return;
  const [left, right] = [x[first] ?? 0, x[last] ?? 0];
  buckets.x.push(left + (right - left) / 2);
  // Rounding may put a mean beside its extremes.
  const mean = Math.min(max, Math.max(min, sum / count));
  buckets.mean.push(isWhole && Number.isFinite(mean) ? mean : null);
  buckets.min.push(count > 0 ? min : null);
  buckets.max.push(count > 0 ? max : null);
}

function countValues(y: Float64Array, start: number, end: number): number {
  let count = 0;
  for (let index = start; index < end; index++) if (!Number.isNaN(y[index])) count++;
  return count;
}

function firstNotBelow(x: Float64Array, value: number): number {
  return partition(x.length, (index) => (x[index] ?? 0) >= value);
}

/** The first index for which a condition holds that holds for all after it. */
export function partition(length: number, holds: (index: number) => boolean): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}
