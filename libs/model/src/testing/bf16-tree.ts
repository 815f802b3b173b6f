import { roundToBf16, tasks } from '@berth/contracts';

/** The definition of an all-reduce in bf16: leaves and sums rounded, but for the step sums. */
export function bf16Tree(leaves: readonly Float32Array[]): Float32Array {
  const [first, ...others] = leaves;
  if (first === undefined) throw new RangeError('no leaves');
  if (others.length === 0) return rounded(first);
  const half = leaves.length / 2;
  const [left, right] = [bf16Tree(leaves.slice(0, half)), bf16Tree(leaves.slice(half))];
  return rounded(left.map((value, index) => value + right[index]!));
}

function rounded(flat: Float32Array): Float32Array {
  const numParameters = flat.length - tasks.pretraining.sums.length;
  return flat.map((value, index) => (index < numParameters ? roundToBf16(value) : value));
}
