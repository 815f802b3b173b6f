import { ops, type Value } from '@berth/graph';
import { dropoutThreshold } from '../../eager/dropout.ts';

/**
 * Inverted dropout inside a block: the function of `dropoutMask` in src/dropout.ts, computed again wherever it is needed, so
 * that no mask is stored.
 * @param key - the site's two words, int32; left out when nothing is dropped
 * @param rowStride - x has each so-manieth of the rows that the mask is for
 */
export function dropout(x: Value, key: Value | undefined, ratio: number, rowStride = 1): Value {
  if (key === undefined) return x;
  const isKept = ops.greaterEqual(
    ops.bitcast(ops.rightShift(counterHash(x, key, rowStride), 8), 'int32'),
    dropoutThreshold(ratio),
  );
  return ops.select(isKept, ops.mul(x, 1 / (1 - ratio)), 0);
}

/** `counterHash` of src/counter-hash.ts for the row-major index of every element, as uint32. */
function counterHash({ scope, shape }: Value, key: Value, rowStride: number): Value {
  const { bitwiseXor: xor, mul, rightShift: shift } = ops;
  const [k0, k1] = ops.unstack(ops.bitcast(key, 'uint32')) as [Value, Value];
  const numElements = shape.reduce((product, size) => product * size, 1);
  const width = shape.at(-1) ?? 1;
  const indexes =
    rowStride === 1
      ? ops.range(scope, numElements)
      : ops.add(
          ops.reshape(ops.mul(ops.range(scope, numElements / width), rowStride * width), [-1, 1]),
          ops.range(scope, width),
        );
  const index = ops.bitcast(ops.reshape(indexes, shape), 'uint32');
  let x = xor(index, k0);
  x = xor(mul(xor(x, shift(x, 16)), 0x7feb352d), k1);
  x = mul(xor(x, shift(x, 15)), 0x846ca68b);
  return xor(x, shift(x, 16));
}
