import type { AllReduceDtype } from '@berth/contracts';
import { addToDigest } from '../reduce/digest.ts';
import { type PayloadSums, sumsOfLanes } from '../reduce/payload-sums.ts';
import { elementBytes } from '../reduce/dtype.ts';
import { addSource } from './add-kernel.ts';
import { assembleModule } from './assembler.ts';
import { digestSource } from './digest-kernel.ts';
import { unitBytes } from './loops.ts';
import { weighSource } from './weigh-kernel.ts';

/** The part of the standard WebAssembly global that is used here; Node's type package leaves it out. */
declare const WebAssembly: {
  readonly Memory: new (limits: { initial: number; maximum: number; shared: true }) => SharedMemory;
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: unknown };
};

export interface SharedMemory {
  readonly buffer: SharedArrayBuffer;
  /** Arrays over the buffer before stay valid. */
  grow(numPages: number): number;
}

export { unitBytes } from './loops.ts';
export const pageBytes = 65_536;
const maximumPages = 65_535;
const wordsPerUnit = unitBytes / 4;

/**
 * `target[i] = left[i] + right[i]` as `addNodes` of dtype.ts defines it, for i < numElements, rounded up to a whole unit;
 * `target` may be `left` or `right`.
 */
type AddKernel = (target: number, left: number, right: number, numElements: number) => void;

/** SIMD kernels over one growing memory. Addresses are byte offsets into it, multiples of {@link unitBytes}. */
export interface Kernels {
  readonly memory: SharedMemory;
  readonly add: Readonly<Record<AllReduceDtype, AddKernel>>;
  /** Same as `addToDigest` of digest.ts over words in memory; `sums` is the address of the two sums. */
  readonly digest: (address: number, numWords: number, firstIndex: number, sums: number) => void;
  /** Same as `payloadSums` of payload-sums.ts over words in memory; `scratch` is the address of a unit to work in. */
  readonly payloadSums: (address: number, numWords: number, scratch: number) => PayloadSums;
}

/** Largest memory in bytes: what 32-bit addresses reach, less one page. */
export const maximumMemoryBytes = maximumPages * pageBytes;

/** One page, which can grow. It is shared, so another thread can read and fill it without a copy. */
export function createMemory(): SharedMemory {
  return new WebAssembly.Memory({ initial: 1, maximum: maximumPages, shared: true });
}

export function createKernels(memory = createMemory()): Kernels {
  const sources = [addSource('fp32'), addSource('bf16'), digestSource(), weighSource()];
  const module = new WebAssembly.Module(Uint8Array.from(assembleModule(sources, maximumPages)));
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  const functions = exports as Readonly<
    Record<
      AllReduceDtype | 'digest' | 'weigh',
      (a: number, b: number, c: number, d: number) => void
    >
  >;
  const addOf =
    (dtype: AllReduceDtype): AddKernel =>
    (target, left, right, numElements) => {
      const numUnits = Math.ceil((numElements * elementBytes[dtype]) / unitBytes);
      functions[dtype](target, left, right, target + numUnits * unitBytes);
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
    payloadSums(address, numWords, scratch) {
      const numTail = numWords % wordsPerUnit;
      const tail = address + (numWords - numTail) * 4;
      const lanes = new Uint32Array(memory.buffer, scratch, wordsPerUnit);
      if (tail > address) functions.weigh(address, tail, scratch, 0);
      else lanes.fill(0);
      const [plain, weighed] = [lanes.subarray(0, 8), lanes.subarray(8)];
      return sumsOfLanes({ plain, weighed }, new Uint32Array(memory.buffer, tail, numTail));
    },
  };
}
