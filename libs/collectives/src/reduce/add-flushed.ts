const smallestNormal = 2 ** -126;

/**
 * Adds two fp32 numbers as TensorFlow's CPU kernels do: subnormal operands and results count as zeros of their sign.
 * A sum is so the same whether a session or a peer makes it.
 */
export function addFlushed(left: number, right: number): number {
  return flush(Math.fround(flush(left) + flush(right)));
}

function flush(value: number): number {
  if (Math.abs(value) >= smallestNormal || Number.isNaN(value)) return value;
  return value < 0 || Object.is(value, -0) ? -0 : 0;
}
