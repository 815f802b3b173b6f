import { requireSameLength } from './same-length.ts';

/**
 * Pearson's correlation coefficient; NaN, as in SciPy, for fewer than two values or where all of a side are the same.
 */
export function pearson(a: ArrayLike<number>, b: ArrayLike<number>): number {
  requireSameLength(a, b, 'values');
  const [x, y] = [centred(a), centred(b)];
  if (x === undefined || y === undefined) return NaN;
  const r = x.reduce((sum, value, i) => sum + value * y[i]!, 0);
  return Math.max(-1, Math.min(1, r));
}

/** Spearman's: Pearson's of the ranks, where equal values share the mean of theirs. */
export function spearman(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return pearson(ranksOf(a), ranksOf(b));
}

/** Less their mean, and of length 1; undefined where all are the same. */
function centred(values: ArrayLike<number>): Float64Array | undefined {
  const all = Float64Array.from(values);
  if (all.every((value) => value === all[0])) return undefined;
  const mean = all.reduce((sum, value) => sum + value, 0) / all.length;
  const less = all.map((value) => value - mean);
  // Scaled by the largest first: squares of tiny or huge differences would be 0 or infinite.
  const largest = less.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const scaled = less.map((value) => value / largest);
  const norm = Math.sqrt(scaled.reduce((sum, value) => sum + value * value, 0));
  return scaled.map((value) => value / norm);
}

function ranksOf(values: ArrayLike<number>): Float64Array {
  const order = Uint32Array.from({ length: values.length }, (_, i) => i).sort(
    (a, b) => values[a]! - values[b]!,
  );
  const ranks = new Float64Array(values.length);
  for (let from = 0; from < order.length;) {
    let to = from + 1;
    while (to < order.length && values[order[to]!] === values[order[from]!]) to += 1;
    for (const index of order.subarray(from, to)) ranks[index] = (from + 1 + to) / 2;
    from = to;
  }
  return ranks;
}
