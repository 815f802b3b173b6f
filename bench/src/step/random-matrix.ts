/**
 * Always the same numbers in random order, scaled so that products of such matrices keep their size: zeros and constants are
 * multiplied faster on some devices, since fewer bits flip.
 */
export function randomMatrix(numRows: number, numColumns: number, seed = 1): Float32Array {
  const limit = Math.sqrt(3 / numColumns);
  let state = seed;
  return Float32Array.from({ length: numRows * numColumns }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state / 2 ** 31 - 1) * limit;
  });
}
