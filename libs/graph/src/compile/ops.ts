import { graphDtypes, sizeOf, type GraphDtype } from './dtypes.ts';
import type { ConstantTensor, NodeAttributes } from './node-def.ts';
import type { Scope, Value } from './scope.ts';

/** A tensor, or a number that becomes a constant of the other operand's type. */
export type Operand = Value | number;

// ---- constants ----

/** One number in every element: a single value in the graph, whatever the shape. */
export function full(
  scope: Scope,
  value: number,
  { dtype = 'float32', shape = [] }: { dtype?: GraphDtype; shape?: readonly number[] } = {},
): Value {
  const scalar = constant(scope, { dtype, shape: [], bytes: encodeScalar(value, dtype) });
  if (shape.length === 0) return scalar;
  const attributes = { T: { dtype }, index_type: { dtype: 'int32' } } as const;
  return one(scope, 'Fill', [integers(scope, shape), scalar], attributes, dtype, shape);
}

/** A constant int32 vector. */
export function integers(scope: Scope, values: readonly number[]): Value {
  const bytes = new Uint8Array(Int32Array.from(values).buffer);
  return constant(scope, { dtype: 'int32', shape: [values.length], bytes });
}

export function constant(scope: Scope, tensor: ConstantTensor): Value {
  const { dtype, shape } = tensor;
  return one(scope, 'Const', [], { dtype: { dtype }, value: { tensor } }, dtype, shape);
}

/** 0, 1, ..., length - 1 as int32. */
export function range(scope: Scope, length: number): Value {
  const bounds = [0, length, 1].map((value) => full(scope, value, { dtype: 'int32' }));
  return one(scope, 'Range', bounds, { Tidx: { dtype: 'int32' } }, 'int32', [length]);
}

// ---- element by element ----

const unary =
  (op: string) =>
  (x: Value): Value =>
    one(x.scope, op, [x], { T: { dtype: x.dtype } }, x.dtype, x.shape);

export const erf = unary('Erf');
export const exp = unary('Exp');
export const identity = unary('Identity');
export const log = unary('Log');
export const neg = unary('Neg');
export const rsqrt = unary('Rsqrt');
export const sqrt = unary('Sqrt');
export const square = unary('Square');
export const tanh = unary('Tanh');

const binary =
  (op: string, resultType?: GraphDtype) =>
  (left: Operand, right: Operand): Value => {
    const [x, y] = bothValues(left, right);
    const shape = broadcastShape(x.shape, y.shape);
    return one(x.scope, op, [x, y], { T: { dtype: x.dtype } }, resultType ?? x.dtype, shape);
  };

export const add = binary('AddV2');
export const div = binary('RealDiv');
export const maximum = binary('Maximum');
export const mul = binary('Mul');
export const sub = binary('Sub');
export const bitwiseXor = binary('BitwiseXor');
/** Logical for unsigned types. */
export const rightShift = binary('RightShift');
export const greater = binary('Greater', 'bool');
export const greaterEqual = binary('GreaterEqual', 'bool');

export function equal(left: Operand, right: Operand): Value {
  const [x, y] = bothValues(left, right);
  const attributes = { T: { dtype: x.dtype }, incompatible_shape_error: { bool: true } } as const;
  return one(x.scope, 'Equal', [x, y], attributes, 'bool', broadcastShape(x.shape, y.shape));
}

export function logicalAnd(x: Value, y: Value): Value {
  return one(x.scope, 'LogicalAnd', [x, y], {}, 'bool', broadcastShape(x.shape, y.shape));
}

/** `then` where the condition holds, else `otherwise`. */
export function select(condition: Value, then: Operand, otherwise: Operand): Value {
  const [x, y] = bothValues(then, otherwise);
  const shape = broadcastShape(condition.shape, broadcastShape(x.shape, y.shape));
  return one(x.scope, 'SelectV2', [condition, x, y], { T: { dtype: x.dtype } }, x.dtype, shape);
}

/** The same values in another type; nothing when it is that type. */
export function cast(x: Value, dtype: GraphDtype): Value {
  if (x.dtype === dtype) return x;
  const attributes = {
    SrcT: { dtype: x.dtype },
    DstT: { dtype },
    Truncate: { bool: false },
  } as const;
  return one(x.scope, 'Cast', [x], attributes, dtype, x.shape);
}

/** The same bits read as another type of the same size. */
export function bitcast(x: Value, dtype: GraphDtype): Value {
  const attributes = { T: { dtype: x.dtype }, type: { dtype } } as const;
  return one(x.scope, 'Bitcast', [x], attributes, dtype, x.shape);
}

// ---- reductions ----

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
    return one(x.scope, op, [x, integers(x.scope, reduced)], attributes, x.dtype, shape);
  };

export const max = reduction('Max');
export const mean = reduction('Mean');
export const min = reduction('Min');
export const sum = reduction('Sum');

/** Half the sum of squares. */
export function halfSquaredNorm(x: Value): Value {
  return one(x.scope, 'L2Loss', [x], { T: { dtype: x.dtype } }, x.dtype, []);
}

// ---- shapes ----

/** One size may be -1: what is left. */
export function reshape(x: Value, wanted: readonly number[]): Value {
  const known = sizeOf(wanted.filter((size) => size !== -1));
  const shape = wanted.map((size) => (size === -1 ? sizeOf(x.shape) / known : size));
  if (String(shape) === String(x.shape)) return x;
  const attributes = { T: { dtype: x.dtype }, Tshape: { dtype: 'int32' } } as const;
  return one(x.scope, 'Reshape', [x, integers(x.scope, shape)], attributes, x.dtype, shape);
}

export function transpose(x: Value, permutation: readonly number[]): Value {
  const shape = permutation.map((axis) => x.shape[axis] ?? 0);
  const attributes = { T: { dtype: x.dtype }, Tperm: { dtype: 'int32' } } as const;
  return one(x.scope, 'Transpose', [x, integers(x.scope, permutation)], attributes, x.dtype, shape);
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
  return one(scope, 'ConcatV2', [...parts, axisValue], attributes, dtype, shape);
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
  return one(x.scope, 'Slice', [x, ...bounds], attributes, x.dtype, size);
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
  return one(x.scope, 'Pad', [x, padding], attributes, x.dtype, [numRows, ...rest]);
}

// ---- products and rows ----

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
  return one(x.scope, 'MatMul', [x, y], attributes, x.dtype, shape);
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
  return one(x.scope, 'BatchMatMulV2', [x, y], attributes, x.dtype, shape);
}

/** Rows of a table by number. */
export function gatherRows(table: Value, rows: Value): Value {
  const attributes = {
    Tparams: { dtype: table.dtype },
    Tindices: { dtype: rows.dtype },
    Taxis: { dtype: 'int32' },
    batch_dims: { int: 0 },
  } as const;
  const shape = [...rows.shape, ...table.shape.slice(1)];
  const axis = full(table.scope, 0, { dtype: 'int32' });
  return one(table.scope, 'GatherV2', [table, rows, axis], attributes, table.dtype, shape);
}

/** A table of `numRows` rows: row i is the sum of the given rows whose number is i, in order. */
export function sumRowsByNumber(rows: Value, numbers: Value, numRows: number): Value {
  const { scope, dtype } = rows;
  const attributes = {
    T: { dtype },
    Tindices: { dtype: numbers.dtype },
    Tnumsegments: { dtype: 'int32' },
  } as const;
  const inputs = [rows, numbers, full(scope, numRows, { dtype: 'int32' })];
  return one(scope, 'UnsortedSegmentSum', inputs, attributes, dtype, [
    numRows,
    ...rows.shape.slice(1),
  ]);
}

/** A table with rows added to the rows of given number, in order. */
export function addToRows(table: Value, numbers: Value, rows: Value): Value {
  const { scope, dtype, shape } = table;
  const attributes = {
    T: { dtype },
    Tindices: { dtype: numbers.dtype },
    bad_indices_policy: { string: '' },
  };
  const indices = reshape(numbers, [...numbers.shape, 1]);
  return one(scope, 'TensorScatterAdd', [table, indices, rows], attributes, dtype, shape);
}

/** A scalar that exists when the given nodes have run: fetch it to run them. */
export function done(scope: Scope, after: readonly Value[]): Value {
  const zero = full(scope, 0);
  const attributes = { T: { dtype: 'float32' } } as const;
  const [value] = scope.op('Identity', [zero], attributes, [zero], { after, name: 'done' });
  return value as Value;
}

function one(
  scope: Scope,
  op: string,
  inputs: readonly Value[],
  attributes: NodeAttributes,
  dtype: GraphDtype,
  shape: readonly number[],
): Value {
  const [value] = scope.op(op, inputs, attributes, [{ dtype, shape }]);
  return value as Value;
}

function bothValues(left: Operand, right: Operand): [Value, Value] {
  if (typeof left !== 'number')
    return [left, typeof right === 'number' ? scalarLike(left, right) : right];
  if (typeof right !== 'number') return [scalarLike(right, left), right];
  throw new RangeError('one operand must be a tensor');
}

function scalarLike({ scope, dtype }: Value, value: number): Value {
  return full(scope, value, { dtype });
}

/** @throws RangeError when the shapes do not fit */
function broadcastShape(left: readonly number[], right: readonly number[]): number[] {
  const rank = Math.max(left.length, right.length);
  return Array.from({ length: rank }, (_, axis) => {
    const a = left[axis - rank + left.length] ?? 1;
    const b = right[axis - rank + right.length] ?? 1;
    if (a === b || b === 1) return a;
    if (a === 1) return b;
    throw new RangeError(`shapes [${left.join(', ')}] and [${right.join(', ')}] do not fit`);
  });
}

function encodeScalar(value: number, dtype: GraphDtype): Uint8Array {
  switch (dtype) {
    case 'float32':
      return new Uint8Array(Float32Array.of(value).buffer);
    case 'float64':
      return new Uint8Array(Float64Array.of(value).buffer);
    case 'int32':
      return new Uint8Array(Int32Array.of(value).buffer);
    case 'uint32':
      return new Uint8Array(Uint32Array.of(value).buffer);
    case 'bool':
    case 'uint8':
      return Uint8Array.of(value);
    default:
      throw new RangeError(`no constants of type ${dtype} (${graphDtypes[dtype]})`);
  }
}
