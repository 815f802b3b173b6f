import * as wasm from './assembler.ts';

/** Vectors and slots start at multiples of this many bytes and own all of their last one, which kernels may overwrite. */
export const unitBytes = 64;

export const advance = (pointer: number, numBytes: number): wasm.Code[] => [
  wasm.localGet(pointer),
  wasm.i32Const(numBytes),
  wasm.i32Add,
  wasm.localSet(pointer),
];

/** Adds the vector that a code leaves to a local. */
export const accumulate = (target: number, value: readonly wasm.Code[]): wasm.Code[] => [
  wasm.localGet(target),
  ...value,
  wasm.i32x4Add,
  wasm.localSet(target),
];
