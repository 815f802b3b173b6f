import type { Value } from '../scope.ts';
import { integers } from './constants.ts';
import { oneOutput } from './one-output.ts';

const reduction =
  (op: string) =>
  (x: Value, axes: readonly number[], keepDims = false): Value => {
    const reduced = axes.map((axis) => (axis < 0 ? axis + x.shape.length : axis));
    const shape = x.shape.flatMap((size, axis) => {
      if (!reduced.includes(axis)) return [size];
      return keepDims ? [1] : [];
    });
    const attributes = {
      T: { dtype: x.dtype },
      Tidx: { dtype: 'int32' },
      keep_dims: { bool: keepDims },
    } as const;
    return oneOutput(x.scope, op, [x, integers(x.scope, reduced)], attributes, x.dtype, shape);
  };

export const max = reduction('Max');
export const mean = reduction('Mean');
export const min = reduction('Min');
export const sum = reduction('Sum');

/** Half the sum of squares. */
export function halfSquaredNorm(x: Value): Value {
  return oneOutput(x.scope, 'L2Loss', [x], { T: { dtype: x.dtype } }, x.dtype, []);
}
