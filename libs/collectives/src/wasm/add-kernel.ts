import type { AllReduceDtype } from '@berth/contracts';
import * as wasm from './assembler.ts';
import { advance, unitBytes } from './loops.ts';

const exponentBits = 0x7f80_0000;
const upperHalfBits = 0xffff_0000;
/** Of two bf16 in a word. */
const exponentsOfHalves = 0x7f80_7f80;

/** `target[i] = left[i] + right[i]`, unit by unit, until `targetEnd`. */
export function addSource(dtype: AllReduceDtype): wasm.FunctionSource {
  const [target, left, right, targetEnd] = [0, 1, 2, 3];
  const scratch = [4, 5, 6, 7] as const;
  const constants = new wasm.Constants(8);
  const sumOfVectors = dtype === 'fp32' ? sumOfFp32 : sumOfBf16;
  const loop = wasm.repeatWhile([
    ...[0, 16, 32, 48].flatMap((offset) => [
      wasm.localGet(target),
      ...sumOfVectors(
        [wasm.localGet(left), wasm.v128Load(offset)],
        [wasm.localGet(right), wasm.v128Load(offset)],
        scratch,
        constants,
      ),
      wasm.v128Store(offset),
    ]),
    ...[target, left, right].flatMap((pointer) => advance(pointer, unitBytes)),
    wasm.localGet(target),
    wasm.localGet(targetEnd),
    wasm.i32LessUnsigned,
  ]);
  const locals = [...scratch.map(() => 'v128' as const), ...constants.locals];
  return { name: dtype, numParameters: 4, locals, body: [...constants.code, loop] };
}

/** Code that leaves the sum of the vectors that two codes leave, with the numbers of scratch locals. */
type SumSource = (
  left: readonly wasm.Code[],
  right: readonly wasm.Code[],
  locals: readonly [number, number, number, number],
  constants: wasm.Constants,
) => wasm.Code[];

const sumOfFp32: SumSource = (left, right, [scratch], constants) => [
  ...left,
  ...flushSubnormals(scratch, constants),
  ...right,
  ...flushSubnormals(scratch, constants),
  wasm.f32x4Add,
  ...flushSubnormals(scratch, constants),
];

/**
 * Lanes with even and with odd numbers are summed apart: to widen them then takes one instruction each. Their sums are flushed
 * together, once they are rounded: a sum that is subnormal has no more bits than bf16 holds, as those of the summands end
 * where the last one of the smallest normal number does.
 */
const sumOfBf16: SumSource = (left, right, [scratch, leftHalves, rightHalves, sum], constants) => {
  /** The rounded sum in the upper half of each fp32 lane. A NaN made of bf16 has no bit that could carry. */
  const roundedSum = (widened: (local: number) => wasm.Code[]): wasm.Code[] => [
    ...widened(leftHalves),
    ...widened(rightHalves),
    wasm.f32x4Add,
    wasm.localTee(sum),
    wasm.localGet(sum),
    wasm.i32Const(16),
    wasm.i32x4ShiftRightUnsigned,
    constants.get(1),
    wasm.v128And,
    constants.get(0x7fff),
    wasm.i32x4Add,
    wasm.i32x4Add,
  ];
  return [
    ...left,
    ...flushSubnormalHalves(scratch, constants),
    wasm.localSet(leftHalves),
    ...right,
    ...flushSubnormalHalves(scratch, constants),
    wasm.localSet(rightHalves),
    ...roundedSum((local) => [wasm.localGet(local), wasm.i32Const(16), wasm.i32x4ShiftLeft]),
    wasm.i32Const(16),
    wasm.i32x4ShiftRightUnsigned,
    ...roundedSum((local) => [wasm.localGet(local), constants.get(upperHalfBits), wasm.v128And]),
    constants.get(upperHalfBits),
    wasm.v128And,
    wasm.v128Or,
    ...flushSubnormalHalves(scratch, constants),
  ];
};

/** Replaces the subnormal fp32 lanes on the stack by zeros of their sign: where the exponent is zero, only the sign stays. */
const flushSubnormals = (value: number, constants: wasm.Constants): wasm.Code[] => [
  wasm.localTee(value),
  wasm.localGet(value),
  constants.get(exponentBits),
  wasm.v128And,
  constants.get(0),
  wasm.i32x4Equal,
  wasm.i32Const(1),
  wasm.i32x4ShiftRightUnsigned,
  wasm.v128AndNot,
];

/** The same for bf16 lanes. */
const flushSubnormalHalves = (value: number, constants: wasm.Constants): wasm.Code[] => [
  wasm.localTee(value),
  wasm.localGet(value),
  constants.get(exponentsOfHalves),
  wasm.v128And,
  constants.get(0),
  wasm.i16x8Equal,
  wasm.i32Const(1),
  wasm.i16x8ShiftRightUnsigned,
  wasm.v128AndNot,
];
