import { digestConstants } from '../reduce/digest.ts';
import * as wasm from './assembler.ts';
import { accumulate, advance, unitBytes } from './loops.ts';

/** Adds the whole units from `address` to `end` to the two sums of digest.ts at `sums`. */
export function digestSource(): wasm.FunctionSource {
  const [address, end, firstIndex, sums] = [0, 1, 2, 3];
  const [keys, hash, firstSums, secondSums] = [4, 5, 6, 7];
  const constants = new wasm.Constants(8);
  const { key, firstFactor, secondFactor } = digestConstants;
  const multiply = (factor: number): wasm.Code[] => [constants.get(factor), wasm.i32x4Multiply];

  const loop = wasm.repeatWhile([
    ...[0, 16, 32, 48].flatMap((offset) => [
      wasm.localGet(address),
      wasm.v128Load(offset),
      wasm.localGet(keys),
      wasm.i32x4Add,
      wasm.localSet(hash),
      ...xorShift(hash, 16),
      ...multiply(firstFactor),
      wasm.localSet(hash),
      ...xorShift(hash, 15),
      wasm.localTee(hash),
      wasm.localGet(firstSums),
      wasm.i32x4Add,
      wasm.localSet(firstSums),
      wasm.localGet(hash),
      ...multiply(secondFactor),
      wasm.localSet(hash),
      ...accumulate(secondSums, xorShift(hash, 16)),
      ...accumulate(keys, [constants.get(4 * key)]),
    ]),
    ...advance(address, unitBytes),
    wasm.localGet(address),
    wasm.localGet(end),
    wasm.i32LessUnsigned,
  ]);

  const addLanesTo = (offset: number, laneSums: number): wasm.Code[] => [
    wasm.localGet(sums),
    wasm.localGet(sums),
    wasm.i32Load(offset),
    ...[0, 1, 2, 3].flatMap((lane) => [
      wasm.localGet(laneSums),
      wasm.i32x4ExtractLane(lane),
      wasm.i32Add,
    ]),
    wasm.i32Store(offset),
  ];

  return {
    name: 'digest',
    numParameters: 4,
    locals: ['v128', 'v128', 'v128', 'v128', ...constants.locals],
    body: [
      ...constants.code,
      wasm.localGet(firstIndex),
      wasm.i32x4Splat,
      wasm.i32x4Const([0, 1, 2, 3]),
      wasm.i32x4Add,
      wasm.i32x4Const([key, key, key, key]),
      wasm.i32x4Multiply,
      wasm.localSet(keys),
      loop,
      ...addLanesTo(0, firstSums),
      ...addLanesTo(4, secondSums),
    ],
  };
}

/** Leaves x ^ (x >>> numBits) on the stack. */
const xorShift = (x: number, numBits: number): wasm.Code[] => [
  wasm.localGet(x),
  wasm.localGet(x),
  wasm.i32Const(numBits),
  wasm.i32x4ShiftRightUnsigned,
  wasm.v128Xor,
];
