import type { GraphDtype } from '../dtypes.ts';
import type { Value } from '../scope.ts';
import { full } from './constants.ts';
import { oneOutput } from './one-output.ts';

/** A tensor, or a number that becomes a constant of the other operand's type. */
export type Operand = Value | number;

const unary =
  (op: string) =>
  (x: Value): Value =>
    oneOutput(x.scope, op, [x], { T: { dtype: x.dtype } }, x.dtype, x.shape);

export const erf = unary('Erf');
export const exp = unary('Exp');
export const identity = unary('Identity');
export const log = unary('Log');
/** log(1 + x), exact for small x. */
export const log1p = unary('Log1p');
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
    return oneOutput(x.scope, op, [x, y], { T: { dtype: x.dtype } }, resultType ?? x.dtype, shape);
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
  return oneOutput(x.scope, 'Equal', [x, y], attributes, 'bool', broadcastShape(x.shape, y.shape));
}

export function logicalAnd(x: Value, y: Value): Value {
  return oneOutput(x.scope, 'LogicalAnd', [x, y], {}, 'bool', broadcastShape(x.shape, y.shape));
}

/** `then` where the condition holds, else `otherwise`. */
export function select(condition: Value, then: Operand, otherwise: Operand): Value {
  const [x, y] = bothValues(then, otherwise);
  const shape = broadcastShape(condition.shape, broadcastShape(x.shape, y.shape));
  return oneOutput(
    x.scope,
    'SelectV2',
    [condition, x, y],
    { T: { dtype: x.dtype } },
    x.dtype,
    shape,
  );
}

/** The same values in another type; nothing when it is that type. */
export function cast(x: Value, dtype: GraphDtype): Value {
  if (x.dtype === dtype) return x;
  const attributes = {
    SrcT: { dtype: x.dtype },
    DstT: { dtype },
    Truncate: { bool: false },
  } as const;
  return oneOutput(x.scope, 'Cast', [x], attributes, dtype, x.shape);
}

/** The same bits read as another type: of the same size, or pairs of bfloat16 as int32, or the other way round. */
export function bitcast(x: Value, dtype: GraphDtype): Value {
  const attributes = { T: { dtype: x.dtype }, type: { dtype } } as const;
  return oneOutput(x.scope, 'Bitcast', [x], attributes, dtype, bitcastShape(x, dtype));
}

function bitcastShape({ dtype: from, shape }: Value, to: GraphDtype): readonly number[] {
  if (to === 'bfloat16' && from !== 'bfloat16') return [...shape, 2];
  if (from !== 'bfloat16' || to === 'bfloat16') return shape;
  if (shape.at(-1) !== 2) throw new RangeError(`[${shape.join(', ')}] holds no pairs of bfloat16`);
  return shape.slice(0, -1);
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
