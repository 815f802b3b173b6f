import type { Wire } from '@berth/contracts';
import { addToDigest, digestConstants } from '../digest.ts';
import { bf16ToFp32, elementBytes } from '../wire.ts';
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

/** SIMD kernels over elements of one format. */
export interface FormatKernels {
  /**
   * `target[i] = left[i] + right[i]` as `addNodes` of wire.ts defines it, for i < numElements, rounded up to a whole
   * unit; `target` may be `left` or `right`.
   */
  add(target: number, left: number, right: number, numElements: number): void;
  /** Same as `addToDigest` of digest.ts over elements in memory; `sums` is the address of the two sums. */
  digest(address: number, numElements: number, firstIndex: number, sums: number): void;
}

/** Kernels over one growing memory. Addresses are byte offsets into it, multiples of {@link unitBytes}. */
export interface Kernels extends Readonly<Record<Wire, FormatKernels>> {
  readonly memory: SharedMemory;
}

/** Largest memory in bytes: what 32-bit addresses reach, less one page. */
export const maximumMemoryBytes = maximumPages * pageBytes;

type AddFunction = (target: number, left: number, right: number, targetEnd: number) => void;
type DigestFunction = (address: number, end: number, firstIndex: number, sums: number) => void;
/** The memory is shared, so another thread can read the result without a copy. */
export function createKernels(): Kernels {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: maximumPages, shared: true });
  const sources = (['fp32', 'bf16'] as const).flatMap((wire) => [
    addSource(wire),
    digestSource(wire),
  ]);
  const module = new WebAssembly.Module(
    Uint8Array.from(wasm.assembleModule(sources, maximumPages)),
  );
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  return {
    memory,
    fp32: formatKernels('fp32', memory, exports),
    bf16: formatKernels('bf16', memory, exports),
  };
}

function formatKernels(wire: Wire, memory: SharedMemory, exports: unknown): FormatKernels {
  const functions = exports as Readonly<Record<string, unknown>>;
  const addUnits = functions[`add_${wire}`] as AddFunction;
  const digestVectors = functions[`digest_${wire}`] as DigestFunction;
  const size = elementBytes[wire];
  return {
    add(target, left, right, numElements) {
      const numUnits = Math.ceil((numElements * size) / unitBytes);
      addUnits(target, left, right, target + numUnits * unitBytes);
    },
    digest(address, numElements, firstIndex, sums) {
      const numTail = numElements % (vectorBytes / size);
      const numWhole = numElements - numTail;
      const tail = address + numWhole * size;
      if (numWhole > 0) digestVectors(address, tail, firstIndex, sums);
      const { buffer } = memory;
      const rest =
        wire === 'fp32'
          ? new Float32Array(buffer, tail, numTail)
          : bf16ToFp32(new Uint16Array(buffer, tail, numTail));
      addToDigest(new Uint32Array(buffer, sums, 2), rest, firstIndex + numWhole);
    },
  };
}

const vectorBytes = 16;
const vectorOffsets = [0, 16, 32, 48] as const;

type Half = 'low' | 'high';

/** Adds the four fp32 lanes that these codes leave on the stack, and leaves the sum there. */
function sumOfLanes(left: readonly wasm.Code[], right: readonly wasm.Code[], scratch: number) {
  return [
    ...left,
    ...flushSubnormals(scratch),
    ...right,
    ...flushSubnormals(scratch),
    wasm.f32x4Add,
    ...flushSubnormals(scratch),
  ];
}

function addSource(wire: Wire): wasm.FunctionSource {
  const [target, left, right, targetEnd, sum, scratch] = [0, 1, 2, 3, 4, 5];
  const load = (pointer: number, offset: number): wasm.Code[] => [
    wasm.localGet(pointer),
    wasm.v128Load(offset),
  ];
  const halfSum = (half: Half, offset: number): wasm.Code[] => [
    ...sumOfLanes(
      [...load(left, offset), ...widen(half)],
      [...load(right, offset), ...widen(half)],
      scratch,
    ),
    wasm.localSet(sum),
    ...roundToUpperHalf(sum, scratch),
    wasm.i32Const(16),
    wasm.i32x4ShiftRightUnsigned,
  ];
  const sumOfVector = (offset: number): wasm.Code[] =>
    wire === 'fp32'
      ? sumOfLanes(load(left, offset), load(right, offset), scratch)
      : [...halfSum('low', offset), ...halfSum('high', offset), wasm.i16x8NarrowUnsigned];
  const body = wasm.repeatWhile([
    ...vectorOffsets.flatMap((offset) => [
      wasm.localGet(target),
      ...sumOfVector(offset),
      wasm.v128Store(offset),
    ]),
    ...[target, left, right].flatMap((pointer) => advance(pointer, unitBytes)),
    wasm.localGet(target),
    wasm.localGet(targetEnd),
    wasm.i32LessUnsigned,
  ]);
  return { name: `add_${wire}`, numParameters: 4, locals: ['v128', 'v128'], body: [body] };
}

function digestSource(wire: Wire): wasm.FunctionSource {
  const [address, end, firstIndex, sums] = [0, 1, 2, 3];
  const [firstKeys, secondKeys, h, g, firstSums, secondSums] = [4, 5, 6, 7, 8, 9];
  const { firstKey, secondKey, firstFactor, secondFactor, thirdFactor } = digestConstants;

  const startKeys = (keys: number, key: number): wasm.Code[] => [
    wasm.localGet(firstIndex),
    wasm.i32x4Splat,
    wasm.i32x4Const([0, 1, 2, 3]),
    wasm.i32x4Add,
    ...multiply(key),
    wasm.localSet(keys),
  ];
  const nextKeys = (keys: number, key: number): wasm.Code[] => accumulate(keys, splat(4 * key));

  const load = [wasm.localGet(address), wasm.v128Load(0)];
  const lanes =
    wire === 'fp32' ? [load] : (['low', 'high'] as const).map((half) => [...load, ...widen(half)]);
  const hashLanes = (values: readonly wasm.Code[]): wasm.Code[] => [
    ...values,
    wasm.localGet(firstKeys),
    wasm.v128Xor,
    wasm.localSet(h),
    ...xorShift(h, 16),
    ...multiply(firstFactor),
    wasm.localSet(h),
    ...xorShift(h, 15),
    ...multiply(secondFactor),
    wasm.localSet(h),
    ...xorShift(h, 16),
    wasm.localTee(h),
    wasm.localGet(secondKeys),
    wasm.v128Xor,
    ...multiply(thirdFactor),
    wasm.localSet(g),
    ...accumulate(firstSums, wasm.localGet(h)),
    ...accumulate(secondSums, xorShift(g, 15).flat()),
    ...nextKeys(firstKeys, firstKey),
    ...nextKeys(secondKeys, secondKey),
  ];
  const loop = wasm.repeatWhile([
    ...lanes.flatMap(hashLanes),
    ...advance(address, vectorBytes),
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
    name: `digest_${wire}`,
    numParameters: 4,
    locals: ['v128', 'v128', 'v128', 'v128', 'v128', 'v128'],
    body: [
      ...startKeys(firstKeys, firstKey),
      ...startKeys(secondKeys, secondKey),
      loop,
      ...addLanesTo(0, firstSums),
      ...addLanesTo(4, secondSums),
    ],
  };
}

const smallestNormalBits = 0x0080_0000;
const allButSignBits = 0x7fff_ffff;
const signBits = 0x8000_0000;
const upperHalfBits = 0xffff_0000;
/** Quiet, without payload. */
const nanBits = 0x7fc0_0000;

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

/** Turns the lower or the upper four bf16 lanes on the stack into fp32. */
const widen = (half: Half): wasm.Code[] => [
  half === 'low' ? wasm.i32x4ExtendLowUnsigned : wasm.i32x4ExtendHighUnsigned,
  wasm.i32Const(16),
  wasm.i32x4ShiftLeft,
];

/** Leaves the lanes of a local rounded to bf16, nearest even, as fp32; NaNs become quiet NaNs of their sign. */
const roundToUpperHalf = (value: number, scratch: number): wasm.Code[] => [
  // bits + 0x7fff + (lowest bit that stays), lower half cut off.
  wasm.localGet(value),
  wasm.localGet(value),
  wasm.i32Const(16),
  wasm.i32x4ShiftRightUnsigned,
  splat(1),
  wasm.v128And,
  splat(0x7fff),
  wasm.i32x4Add,
  wasm.i32x4Add,
  splat(upperHalfBits),
  wasm.v128And,
  wasm.localSet(scratch),
  // Where value == value: that; elsewhere the NaN.
  wasm.localGet(scratch),
  wasm.localGet(value),
  splat(signBits),
  wasm.v128And,
  splat(nanBits),
  wasm.v128Or,
  wasm.localGet(value),
  wasm.localGet(value),
  wasm.f32x4Equal,
  wasm.v128BitSelect,
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
