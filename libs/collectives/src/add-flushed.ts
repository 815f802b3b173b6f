const smallestNormal = 2 ** -126;

/**
 * Adds two fp32 numbers as TensorFlow's CPU kernels do: subnormal operands and results count as zeros of their sign.
 * A sum is so the same whether a session or a peer makes it.
 */
export function addFlushed(left: number, right: number): number {
  return flush(Math.fround(flush(left) + flush(right)));
}

function flush(value: number): number {
  return Math.abs(value) < smallestNormal ? value * 0 : value;
}
