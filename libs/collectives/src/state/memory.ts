import { setImmediate as nextTurn } from 'node:timers/promises';
import { BerthError } from '@berth/contracts';
import { digestHex } from '../reduce/digest.ts';
import { createKernels, maximumMemoryBytes, pageBytes, unitBytes } from '../wasm/kernels.ts';

/** What one donor is asked for at a time: small enough to spread well, and to digest within a few milliseconds. */
export const sliceBytes = 4 << 20;

const sumsAddress = 0;
const partAddress = unitBytes;
const touchStride = 4096;

/** A contiguous piece of one part of a state. */
export interface StateSlice {
  readonly part: number;
  readonly byteOffset: number;
  readonly byteLength: number;
}

/**
 * Memory for one state, its parts each in the memory of kernels that digest it in place. Other threads share it, so an engine
 * reads and fills it without a copy.
 */
export class StateMemory {
  readonly parts: readonly Float32Array[];
  /** All of the state, part by part. */
  readonly slices: readonly StateSlice[];
  readonly #kernels: readonly ReturnType<typeof createKernels>[];

  /**
   * @param partLengths - elements of each part
   * @throws BerthError `CONFIG_INVALID` if a part exceeds 4 GiB
   */
  constructor(partLengths: readonly number[]) {
    this.#kernels = partLengths.map(kernelsFor);
    this.parts = partLengths.map(
      (length, part) => new Float32Array(this.#bufferOf(part), partAddress, length),
    );
    this.slices = partLengths.flatMap(slicesOf);
  }

  get partLengths(): readonly number[] {
    return this.parts.map(({ length }) => length);
  }

  bytes({ part, byteOffset, byteLength }: StateSlice): Uint8Array {
    return new Uint8Array(this.#bufferOf(part), partAddress + byteOffset, byteLength);
  }

  /** Digest of a slice, as digest.ts defines it, by its words' places in their part. */
  digest({ part, byteOffset, byteLength }: StateSlice): string {
    const sums = new Uint32Array(this.#bufferOf(part), sumsAddress, 2).fill(0);
    const { digest } = this.#kernelsOf(part);
    digest(partAddress + byteOffset, byteLength / 4, byteOffset / 4, sumsAddress);
    return digestHex(sums);
  }

  /** Touches every page, a slice per turn of the event loop, so that whoever writes first need not wait for fresh pages. */
  async touch(): Promise<void> {
    for (const slice of this.slices) {
      const bytes = this.bytes(slice);
      for (let at = 0; at < bytes.length; at += touchStride) Atomics.or(bytes, at, 0);
      await nextTurn();
    }
  }

  #bufferOf(part: number): SharedArrayBuffer {
    return this.#kernelsOf(part).memory.buffer;
  }

  #kernelsOf(part: number): ReturnType<typeof createKernels> {
    const kernels = this.#kernels[part];
    if (kernels === undefined) throw new BerthError('INTERNAL', `a state has no part ${part}`);
    return kernels;
  }
}

function kernelsFor(length: number): ReturnType<typeof createKernels> {
  const numBytes = partAddress + Math.ceil((length * 4) / unitBytes) * unitBytes;
  if (numBytes > maximumMemoryBytes)
    throw new BerthError(
      'CONFIG_INVALID',
      `a state part of ${length} elements is more than the ${maximumMemoryBytes} bytes that WebAssembly addresses; use a smaller model`,
    );
  const kernels = createKernels();
  const numPages = Math.ceil(numBytes / pageBytes) - kernels.memory.buffer.byteLength / pageBytes;
  if (numPages > 0) kernels.memory.grow(numPages);
  return kernels;
}

function slicesOf(length: number, part: number): StateSlice[] {
  const numBytes = length * Float32Array.BYTES_PER_ELEMENT;
  return Array.from({ length: Math.ceil(numBytes / sliceBytes) }, (_, index) => {
    const byteOffset = index * sliceBytes;
    return { part, byteOffset, byteLength: Math.min(sliceBytes, numBytes - byteOffset) };
  });
}
