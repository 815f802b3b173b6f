import { sizeOf } from '../dtypes.ts';
import type { Value } from '../scope.ts';
import { full, integers } from './constants.ts';
import { oneOutput } from './one-output.ts';

/** One size may be -1: what is left. */
export function reshape(x: Value, wanted: readonly number[]): Value {
  const known = sizeOf(wanted.filter((size) => size !== -1));
  const shape = wanted.map((size) => (size === -1 ? sizeOf(x.shape) / known : size));
  if (String(shape) === String(x.shape)) return x;
  const attributes = { T: { dtype: x.dtype }, Tshape: { dtype: 'int32' } } as const;
  return oneOutput(x.scope, 'Reshape', [x, integers(x.scope, shape)], attributes, x.dtype, shape);
}

export function transpose(x: Value, permutation: readonly number[]): Value {
  const shape = permutation.map((axis) => x.shape[axis] ?? 0);
  const attributes = { T: { dtype: x.dtype }, Tperm: { dtype: 'int32' } } as const;
  return oneOutput(
    x.scope,
    'Transpose',
    [x, integers(x.scope, permutation)],
    attributes,
    x.dtype,
    shape,
  );
}

/** Lays tensors end to end along an axis. */
export function concat(parts: readonly Value[], axis: number): Value {
  const [first] = parts;
  if (first === undefined) throw new RangeError('nothing to concatenate');
  if (parts.length === 1) return first;
  const length = parts.reduce((total, part) => total + (part.shape[axis] ?? 0), 0);
  const shape = first.shape.map((size, index) => (index === axis ? length : size));
  const { scope, dtype } = first;
  const attributes = {
    N: { int: parts.length },
    T: { dtype },
    Tidx: { dtype: 'int32' },
  } as const;
  const axisValue = full(scope, axis, { dtype: 'int32' });
  return oneOutput(scope, 'ConcatV2', [...parts, axisValue], attributes, dtype, shape);
}

/** Cuts a tensor into equal parts along an axis. */
export function split(x: Value, axis: number, numParts: number): Value[] {
  if (numParts === 1) return [x];
  const shape = x.shape.map((size, index) => (index === axis ? size / numParts : size));
  const attributes = { T: { dtype: x.dtype }, num_split: { int: numParts } };
  const spec = { dtype: x.dtype, shape };
  const axisValue = full(x.scope, axis, { dtype: 'int32' });
  return x.scope.op(
    'Split',
    [axisValue, x],
    attributes,
    Array.from({ length: numParts }, () => spec),
  );
}

/** `size[i]` elements from `begin[i]` on, along each axis. */
export function slice(x: Value, begin: readonly number[], size: readonly number[]): Value {
  const attributes = { T: { dtype: x.dtype }, Index: { dtype: 'int32' } } as const;
  const bounds = [integers(x.scope, begin), integers(x.scope, size)];
  return oneOutput(x.scope, 'Slice', [x, ...bounds], attributes, x.dtype, size);
}

/** Joins tensors of one shape along a new first axis. */
export function stack(parts: readonly Value[]): Value {
  return concat(
    parts.map((part) => reshape(part, [1, ...part.shape])),
    0,
  );
}

/** A tensor's slices along its first axis. */
export function unstack(x: Value): Value[] {
  const [length = 0, ...shape] = x.shape;
  const attributes = { T: { dtype: x.dtype }, num: { int: length }, axis: { int: 0 } };
  const spec = { dtype: x.dtype, shape };
  return x.scope.op(
    'Unpack',
    [x],
    attributes,
    Array.from({ length }, () => spec),
  );
}

/** Appends rows of zeros. */
export function padRows(x: Value, numRows: number): Value {
  const [rows = 0, ...rest] = x.shape;
  if (rows === numRows) return x;
  const paddings = [0, numRows - rows, ...rest.flatMap(() => [0, 0])];
  const padding = reshape(integers(x.scope, paddings), [x.shape.length, 2]);
  const attributes = { T: { dtype: x.dtype }, Tpaddings: { dtype: 'int32' } } as const;
  return oneOutput(x.scope, 'Pad', [x, padding], attributes, x.dtype, [numRows, ...rest]);
}
