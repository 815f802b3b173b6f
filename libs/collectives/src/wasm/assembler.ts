/** Just enough of a WebAssembly assembler for the kernels (binary format: WebAssembly core specification 2.0, ch. 5). */

/** Bytes of the binary format. */
export type Code = readonly number[];

export const valueTypes = { i32: 0x7f, v128: 0x7b } as const;
export type ValueType = keyof typeof valueTypes;

/** An exported function of i32 parameters without results. Locals are numbered after the parameters. */
export interface FunctionSource {
  readonly name: string;
  readonly numParameters: number;
  readonly locals: readonly ValueType[];
  readonly body: readonly Code[];
}

/** \0asm, version 1. */
const moduleHeader: Code = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];

/** A module that imports a shared memory `env.memory` and exports the functions. */
export function assembleModule(functions: readonly FunctionSource[], maximumPages: number): Code {
  const functionTypes = functions.map(({ numParameters }) => [
    0x60,
    ...vector(Array.from({ length: numParameters }, () => [valueTypes.i32])),
    ...vector([]),
  ]);
  const sharedMemory = [0x02, 0x03, ...unsigned(0), ...unsigned(maximumPages)];
  const memoryImport = [...text('env'), ...text('memory'), ...sharedMemory];
  return [
    ...moduleHeader,
    ...section(1, functionTypes),
    ...section(2, [memoryImport]),
    ...section(
      3,
      functions.map((_, index) => unsigned(index)),
    ),
    ...section(
      7,
      functions.map(({ name }, index) => [...text(name), 0x00, ...unsigned(index)]),
    ),
    ...section(10, functions.map(functionCode)),
  ];
}

function functionCode({ locals, body }: FunctionSource): Code {
  const declarations = vector(locals.map((type) => [...unsigned(1), valueTypes[type]]));
  return sized([...declarations, ...body.flat(), 0x0b]);
}

const section = (id: number, items: readonly Code[]): Code => [id, ...sized(vector(items))];
const vector = (items: readonly Code[]): Code => [...unsigned(items.length), ...items.flat()];
const sized = (code: Code): Code => [...unsigned(code.length), ...code];
const text = (value: string): Code => sized([...Buffer.from(value)]);

function unsigned(value: number): Code {
  const low = value & 0x7f;
  return value > 0x7f ? [low | 0x80, ...unsigned(value >>> 7)] : [low];
}

function signed(value: number): Code {
  const low = value & 0x7f;
  const rest = value >> 7;
  const last = (rest === 0 && low < 0x40) || (rest === -1 && low >= 0x40);
  return last ? [low] : [low | 0x80, ...signed(rest)];
}

const simd = (opcode: number, ...immediates: Code): Code => [
  0xfd,
  ...unsigned(opcode),
  ...immediates,
];
/** Alignment hint 2^2 bytes, then the offset. */
const at = (offset: number): Code => [0x02, ...unsigned(offset)];

export const localGet = (index: number): Code => [0x20, ...unsigned(index)];
export const localSet = (index: number): Code => [0x21, ...unsigned(index)];
export const localTee = (index: number): Code => [0x22, ...unsigned(index)];
export const i32Const = (value: number): Code => [0x41, ...signed(value | 0)];
export const i32Load = (offset: number): Code => [0x28, ...at(offset)];
export const i32Store = (offset: number): Code => [0x36, ...at(offset)];
export const i32LessUnsigned: Code = [0x49];
export const i32Add: Code = [0x6a];
export const v128Load = (offset: number): Code => simd(0x00, ...at(offset));
export const v128Store = (offset: number): Code => simd(0x0b, ...at(offset));
export const i16x8Equal: Code = simd(0x2d);
export const i32x4Equal: Code = simd(0x37);
export const v128And: Code = simd(0x4e);
/** a & ~b */
export const v128AndNot: Code = simd(0x4f);
export const v128Or: Code = simd(0x50);
export const v128Xor: Code = simd(0x51);
export const i32x4Const = (lanes: readonly number[]): Code =>
  simd(0x0c, ...new Uint8Array(Int32Array.from(lanes).buffer));
export const i32x4Splat: Code = simd(0x11);
export const i32x4ExtractLane = (lane: number): Code => simd(0x1b, lane);
export const i16x8ShiftRightUnsigned: Code = simd(0x8d);
export const i16x8Add: Code = simd(0x8e);
export const i32x4ShiftLeft: Code = simd(0xab);
export const i32x4ShiftRightUnsigned: Code = simd(0xad);
export const i32x4Add: Code = simd(0xae);
export const i32x4Multiply: Code = simd(0xb5);
/** Signed products of halves, added in pairs. */
export const i32x4DotHalves: Code = simd(0xba);
export const f32x4Add: Code = simd(0xe4);

/** Runs the body once, then again as long as the i32 that it leaves on the stack is not zero. */
export const repeatWhile = (body: readonly Code[]): Code => {
  const loopWithoutResult = [0x03, 0x40];
  const branchIfToStart = [0x0d, 0x00];
  return [...loopWithoutResult, ...body.flat(), ...branchIfToStart, 0x0b];
};

/** Vectors with the same number in each lane, set once before a loop: where they are used, V8 would make them anew each turn. */
export class Constants {
  readonly #firstLocal: number;
  readonly #values: number[] = [];

  constructor(firstLocal: number) {
    this.#firstLocal = firstLocal;
  }

  /** Leaves the vector on the stack. */
  get(value: number): Code {
    const known = this.#values.indexOf(value);
    const index = known < 0 ? this.#values.push(value) - 1 : known;
    return localGet(this.#firstLocal + index);
  }

  get locals(): readonly ValueType[] {
    return this.#values.map(() => 'v128');
  }

  /** What stands before the loop. */
  get code(): readonly Code[] {
    return this.#values.flatMap((value, index) => [
      i32x4Const([value, value, value, value]),
      localSet(this.#firstLocal + index),
    ]);
  }
}
