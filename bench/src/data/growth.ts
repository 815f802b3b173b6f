/** A straight line through points, and how well it fits. */
export interface Growth {
  /** Seconds that a megabyte more costs. */
  readonly secondsPerMb: number;
  readonly fixedSeconds: number;
  /** The power of the size that the time grows with, between the smallest and the largest: 1 is linear. */
  readonly power: number;
  /** Of the time that the line says, the part that a point is off by at most. */
  readonly worstDeviation: number;
}

/** Least squares over relative errors, so that small sizes count as much as large ones. Needs two sizes. */
export function growthOf(
  points: readonly { readonly mb: number; readonly seconds: number }[],
): Growth | undefined {
  const sorted = [...points].sort((a, b) => a.mb - b.mb);
  const [first, last] = [sorted[0], sorted.at(-1)];
  if (first === undefined || last === undefined || first.mb === last.mb) return undefined;
  let [weights, x, y, xx, xy] = [0, 0, 0, 0, 0];
  for (const { mb, seconds } of sorted) {
    const weight = 1 / seconds ** 2;
    weights += weight;
    x += weight * mb;
    y += weight * seconds;
    xx += weight * mb * mb;
    xy += weight * mb * seconds;
  }
  const secondsPerMb = (weights * xy - x * y) / (weights * xx - x * x);
  const fixedSeconds = (y - secondsPerMb * x) / weights;
  const deviations = sorted.map(({ mb, seconds }) =>
    Math.abs(seconds / (fixedSeconds + secondsPerMb * mb) - 1),
  );
  return {
    secondsPerMb,
    fixedSeconds,
    power: Math.log(last.seconds / first.seconds) / Math.log(last.mb / first.mb),
    worstDeviation: Math.max(...deviations),
  };
}
