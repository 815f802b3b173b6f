import type { Wire } from '@berth/contracts';
import { addToDigest, digestConstants } from '../digest.ts';
import { elementBytes } from '../wire.ts';
import * as wasm from './assembler.ts';

/** The part of the standard WebAssembly global that is used here; Node's type package leaves it out. */
declare const WebAssembly: {
  readonly Memory: new (limits: { initial: number; maximum: number; shared: true }) => SharedMemory;
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: unknown };
};

interface SharedMemory {
  readonly buffer: SharedArrayBuffer;
  /** Arrays over the buffer before stay valid. */
  grow(numPages: number): number;
}

export const pageBytes = 65_536;
const maximumPages = 65_535;

/** Vectors and slots start at multiples of this many bytes and own all of their last one, which `add` may overwrite. */
export const unitBytes = 64;
const wordsPerUnit = unitBytes / 4;

/**
 * `target[i] = left[i] + right[i]` as `addNodes` of wire.ts defines it, for i < numElements, rounded up to a whole unit;
 * `target` may be `left` or `right`.
 */
type AddKernel = (target: number, left: number, right: number, numElements: number) => void;

/** SIMD kernels over one growing memory. Addresses are byte offsets into it, multiples of {@link unitBytes}. */
export interface Kernels {
  readonly memory: SharedMemory;
  readonly add: Readonly<Record<Wire, AddKernel>>;
  /** Same as `addToDigest` of digest.ts over words in memory; `sums` is the address of the two sums. */
  readonly digest: (address: number, numWords: number, firstIndex: number, sums: number) => void;
}

/** Largest memory in bytes: what 32-bit addresses reach, less one page. */
export const maximumMemoryBytes = maximumPages * pageBytes;

/** The memory is shared, so another thread can read the result without a copy. */
export function createKernels(): Kernels {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: maximumPages, shared: true });
  const sources = [addSource('fp32'), addSource('bf16'), digestSource()];
  const module = new WebAssembly.Module(
    Uint8Array.from(wasm.assembleModule(sources, maximumPages)),
  );
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  const functions = exports as Readonly<
    Record<'fp32' | 'bf16' | 'digest', (a: number, b: number, c: number, d: number) => void>
  >;
  const addOf =
    (wire: Wire): AddKernel =>
    (target, left, right, numElements) => {
      const numUnits = Math.ceil((numElements * elementBytes[wire]) / unitBytes);
      functions[wire](target, left, right, target + numUnits * unitBytes);
    };
  return {
    memory,
    add: { fp32: addOf('fp32'), bf16: addOf('bf16') },
    digest(address, numWords, firstIndex, sums) {
      const numTail = numWords % wordsPerUnit;
      const numWhole = numWords - numTail;
      const tail = address + numWhole * 4;
      if (numWhole > 0) functions.digest(address, tail, firstIndex, sums);
      addToDigest(
        new Uint32Array(memory.buffer, sums, 2),
        new Float32Array(memory.buffer, tail, numTail),
        firstIndex + numWhole,
      );
    },
  };
}

function addSource(wire: Wire): wasm.FunctionSource {
  const [target, left, right, targetEnd] = [0, 1, 2, 3];
  const sumOfVectors = wire === 'fp32' ? sumOfFp32 : sumOfBf16;
  const body = wasm.repeatWhile([
    ...[0, 16, 32, 48].flatMap((offset) => [
      wasm.localGet(target),
      ...sumOfVectors(
        [wasm.localGet(left), wasm.v128Load(offset)],
        [wasm.localGet(right), wasm.v128Load(offset)],
        [4, 5, 6, 7],
      ),
      wasm.v128Store(offset),
    ]),
    ...[target, left, right].flatMap((pointer) => advance(pointer, unitBytes)),
    wasm.localGet(target),
    wasm.localGet(targetEnd),
    wasm.i32LessUnsigned,
  ]);
  const locals = ['v128', 'v128', 'v128', 'v128'] as const;
  return { name: wire, numParameters: 4, locals, body: [body] };
}

/** Code that leaves the sum of the vectors that two codes leave, with the numbers of scratch locals. */
type SumSource = (
  left: readonly wasm.Code[],
  right: readonly wasm.Code[],
  locals: readonly [number, number, number, number],
) => wasm.Code[];

const sumOfFp32: SumSource = (left, right, [scratch]) => [
  ...left,
  ...flushSubnormals(scratch),
  ...right,
  ...flushSubnormals(scratch),
  wasm.f32x4Add,
  ...flushSubnormals(scratch),
];

/** Lanes with even and with odd numbers are summed apart: to widen them then takes one instruction each. */
const sumOfBf16: SumSource = (left, right, [scratch, leftHalves, rightHalves, sum]) => {
  const flushed = (halves: readonly wasm.Code[], local: number): wasm.Code[] => [
    ...halves,
    wasm.localTee(local),
    wasm.localGet(local),
    splat(allButSignOfHalves),
    wasm.v128And,
    splat(smallestNormalHalves),
    wasm.i16x8LessThan,
    splat(allButSignOfHalves),
    wasm.v128And,
    wasm.v128AndNot,
    wasm.localSet(local),
  ];
  /** The rounded sum in the upper half of each fp32 lane. A NaN made of bf16 has no bit that could carry. */
  const roundedSum = (widened: (local: number) => wasm.Code[]): wasm.Code[] => [
    ...widened(leftHalves),
    ...widened(rightHalves),
    wasm.f32x4Add,
    ...flushSubnormals(scratch),
    wasm.localTee(sum),
    wasm.localGet(sum),
    wasm.i32Const(16),
    wasm.i32x4ShiftRightUnsigned,
    splat(1),
    wasm.v128And,
    splat(0x7fff),
    wasm.i32x4Add,
    wasm.i32x4Add,
  ];
  return [
    ...flushed(left, leftHalves),
    ...flushed(right, rightHalves),
    ...roundedSum((local) => [wasm.localGet(local), wasm.i32Const(16), wasm.i32x4ShiftLeft]),
    wasm.i32Const(16),
    wasm.i32x4ShiftRightUnsigned,
    ...roundedSum((local) => [wasm.localGet(local), splat(upperHalfBits), wasm.v128And]),
    splat(upperHalfBits),
    wasm.v128And,
    wasm.v128Or,
  ];
};

function digestSource(): wasm.FunctionSource {
  const [address, end, firstIndex, sums] = [0, 1, 2, 3];
  const [keys, hash, firstSums, secondSums] = [4, 5, 6, 7];
  const { key, firstFactor, secondFactor } = digestConstants;

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
      ...accumulate(secondSums, xorShift(hash, 16).flat()),
      ...accumulate(keys, splat(4 * key)),
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
    locals: ['v128', 'v128', 'v128', 'v128'],
    body: [
      wasm.localGet(firstIndex),
      wasm.i32x4Splat,
      wasm.i32x4Const([0, 1, 2, 3]),
      wasm.i32x4Add,
      ...multiply(key),
      wasm.localSet(keys),
      loop,
      ...addLanesTo(0, firstSums),
      ...addLanesTo(4, secondSums),
    ],
  };
}

const smallestNormalBits = 0x0080_0000;
const allButSignBits = 0x7fff_ffff;
const upperHalfBits = 0xffff_0000;
/** Two bf16 in a word. */
const smallestNormalHalves = 0x0080_0080;
const allButSignOfHalves = 0x7fff_7fff;

/** Replaces the subnormal lanes on the stack by zeros of their sign. */
const flushSubnormals = (value: number): wasm.Code[] => [
  wasm.localTee(value),
  wasm.localGet(value),
  wasm.f32x4Abs,
  splat(smallestNormalBits),
  wasm.f32x4LessThan,
  splat(allButSignBits),
  wasm.v128And,
  wasm.v128AndNot,
];

const advance = (pointer: number, numBytes: number): wasm.Code[] => [
  wasm.localGet(pointer),
  wasm.i32Const(numBytes),
  wasm.i32Add,
  wasm.localSet(pointer),
];

const splat = (value: number): wasm.Code => wasm.i32x4Const([value, value, value, value]);

const multiply = (factor: number): wasm.Code[] => [splat(factor), wasm.i32x4Multiply];

const accumulate = (target: number, value: wasm.Code): wasm.Code[] => [
  wasm.localGet(target),
  value,
  wasm.i32x4Add,
  wasm.localSet(target),
];

/** Leaves x ^ (x >>> numBits) on the stack. */
const xorShift = (x: number, numBits: number): wasm.Code[] => [
  wasm.localGet(x),
  wasm.localGet(x),
  wasm.i32Const(numBits),
  wasm.i32x4ShiftRightUnsigned,
  wasm.v128Xor,
];
