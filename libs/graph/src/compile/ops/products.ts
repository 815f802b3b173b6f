import type { Value } from '../scope.ts';
import { oneOutput } from './one-output.ts';

export interface Transposed {
  readonly left?: boolean;
  readonly right?: boolean;
}

/** Product of two matrices, either of them transposed first. */
export function matMul(
  x: Value,
  y: Value,
  { left = false, right = false }: Transposed = {},
): Value {
  const attributes = {
    T: { dtype: x.dtype },
    transpose_a: { bool: left },
    transpose_b: { bool: right },
  };
  const shape = [x.shape[left ? 1 : 0] ?? 0, y.shape[right ? 0 : 1] ?? 0];
  return oneOutput(x.scope, 'MatMul', [x, y], attributes, x.dtype, shape);
}

/** Products of the matrices in the last two axes. */
export function batchMatMul(
  x: Value,
  y: Value,
  { left = false, right = false }: Transposed = {},
): Value {
  const attributes = {
    T: { dtype: x.dtype },
    adj_x: { bool: left },
    adj_y: { bool: right },
    grad_x: { bool: false },
    grad_y: { bool: false },
  };
  const numRows = x.shape.at(left ? -1 : -2) ?? 0;
  const numColumns = y.shape.at(right ? -2 : -1) ?? 0;
  const shape = [...x.shape.slice(0, -2), numRows, numColumns];
  return oneOutput(x.scope, 'BatchMatMulV2', [x, y], attributes, x.dtype, shape);
}
