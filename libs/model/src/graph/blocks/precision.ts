import { ops, type Value } from '@berth/graph';

/** Type of activations and matrix products; everything else is float32. */
export type ComputeDtype = 'float32' | 'bfloat16';

/** To float32: inside a block everything is computed in it. */
export function widen(x: Value): Value {
  return ops.cast(x, 'float32');
}

/** Sums over all axes but the last, in float32. */
export function sumColumns(x: Value): Value {
  return ops.sum(ops.reshape(widen(x), [-1, x.shape.at(-1) ?? 1]), [0]);
}
