/** Of classes, by their logits. */
export function softmax(logits: ArrayLike<number>): Float64Array {
  const all = Float64Array.from(logits);
  const most = all.reduce((max, logit) => Math.max(max, logit), -Infinity);
  const weights = all.map((logit) => Math.exp(logit - most));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
}

export function sigmoid(logit: number): number {
  return 1 / (1 + Math.exp(-logit));
}

/** The place of the largest, the first of several. */
export function argmax(values: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i;
  return best;
}

/** -log p, bounded, so that it can be written down. */
export function surprise(probability: number): number {
  return -Math.log(Math.max(probability, Number.MIN_VALUE));
}
