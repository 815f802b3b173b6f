/** A matrix with rows and columns swapped. @param shape of `values` */
export function transpose(values: Float32Array, shape: readonly number[]): Float32Array {
  const [numRows = 0, numColumns = 0] = shape;
  const result = new Float32Array(values.length);
  for (let row = 0; row < numRows; row++)
    for (let column = 0; column < numColumns; column++)
      result[column * numRows + row] = values[row * numColumns + column] ?? 0;
  return result;
}
