/** How far counts are from what is expected of them. */
export interface ChiSquare {
  readonly value: number;
  readonly degreesOfFreedom: number;
  /** Of chance alone to be at least as far off. */
  readonly p: number;
}

/** Pearson's test. Counts that are not expected at all are left out. */
export function chiSquare(counts: ArrayLike<number>, expected: ArrayLike<number>): ChiSquare {
  let value = 0;
  let numCells = 0;
  for (let cell = 0; cell < counts.length; cell++) {
    const wanted = expected[cell]!;
    if (wanted === 0) continue;
    value += (counts[cell]! - wanted) ** 2 / wanted;
    numCells += 1;
  }
  const degreesOfFreedom = numCells - 1;
  return { value, degreesOfFreedom, p: chanceOf(value, degreesOfFreedom) };
}

/** Whether a share is the same among two kinds: [those that have it, all] of each. */
export function sameShare(
  [hits, all]: readonly [number, number],
  [otherHits, allOthers]: readonly [number, number],
): ChiSquare {
  const share = (hits + otherHits) / (all + allOthers);
  const counts = [hits, all - hits, otherHits, allOthers - otherHits];
  const expected = [all, allOthers].flatMap((num) => [share * num, (1 - share) * num]);
  const { value } = chiSquare(counts, expected);
  return { value, degreesOfFreedom: 1, p: chanceOf(value, 1) };
}

/** By the cube root (Wilson and Hilferty 1931): good to about 0.001. */
function chanceOf(value: number, degreesOfFreedom: number): number {
  const variance = 2 / (9 * degreesOfFreedom);
  const z = (Math.cbrt(value / degreesOfFreedom) - (1 - variance)) / Math.sqrt(variance);
  return z < 0 ? 1 - upperTail(-z) : upperTail(z);
}

/** Of the normal distribution above z >= 0: Abramowitz and Stegun 26.2.17. */
function upperTail(z: number): number {
  const t = 1 / (1 + 0.2316419 * z);
  const factors = [0.31938153, -0.356563782, 1.781477937, -1.821255978, 1.330274429];
  const sum = factors.reduceRight((rest, factor) => t * (factor + rest), 0);
  return (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * sum;
}
