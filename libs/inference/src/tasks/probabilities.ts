/** The softmax of logits. */
export function softmax(logits: Float32Array): number[] {
  const most = logits.reduce((max, logit) => Math.max(max, logit), -Infinity);
  const weights = Array.from(logits, (logit) => Math.exp(logit - most));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => shortest(weight / total));
}

/** The logistic function of each logit. */
export function logistic(logits: Float32Array): number[] {
  return Array.from(logits, (logit) => shortest(1 / (1 + Math.exp(-logit))));
}

/** The place of the largest number, the first of equal ones. */
export function largest(values: ArrayLike<number>): number {
  let best = 0;
  for (let index = 1; index < values.length; index++)
    if (values[index]! > values[best]!) best = index;
  return best;
}

/** As many digits as a float32 has. */
export function shortest(value: number): number {
  return Number(value.toPrecision(9));
}
