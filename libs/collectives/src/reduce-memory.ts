import { BerthError } from '@berth/contracts';
import { digestHex } from './digest.ts';
import type { ReducePlan, Span } from './plan.ts';
import { createKernels, maximumMemoryBytes, pageBytes, unitBytes } from './wasm/kernels.ts';

/** Chunks that a peer may be ahead of the slowest one: bounds memory, not throughput. */
export const windowChunks = 4;

const sumsAddress = 0;
const vectorAddress = unitBytes;
const elementBytes = Float32Array.BYTES_PER_ELEMENT;

/**
 * Where gradients land and are summed: the reduced vector, then for each block a ring of chunk slots, all in the
 * memory of the kernels. Laid out once for a view and kept, since touching fresh pages costs as much as the sum.
 */
export class ReduceMemory {
  readonly #kernels = createKernels();
  #plan: ReducePlan | undefined;

  /**
   * Lays the memory out for a plan. The reduced vector always starts at the same place.
   * @throws BerthError `CONFIG_INVALID` if vector and slots exceed 4 GiB
   */
  layOut(plan: ReducePlan): void {
    this.#plan = plan;
    const { buffer } = this.#kernels.memory;
    const numBytes = this.#slotAddress(plan.blocks.length, 0);
    if (numBytes > maximumMemoryBytes) {
      throw new BerthError(
        'CONFIG_INVALID',
        `a gradient of ${plan.vectorLength} elements needs ${numBytes} bytes to be reduced, more than the ${maximumMemoryBytes} that WebAssembly addresses; use a smaller model`,
      );
    }
    if (numBytes > buffer.byteLength) {
      this.#kernels.memory.grow(Math.ceil((numBytes - buffer.byteLength) / pageBytes));
    }
  }

  /** The reduced vector, or a part of it. */
  reduced(span: Span): Float32Array {
    return this.#floats(vectorAddress + span.start * elementBytes, span.length);
  }

  /** Where a chunk of a block's contribution goes; chunk c + {@link windowChunks} goes to the same place. */
  slot(block: number, chunk: number, length: number): Float32Array {
    return this.#floats(this.#slotAddress(block, chunk), length);
  }

  /** Sums a chunk over all blocks in canonical order, from their slots to its place in the reduced vector. */
  sumChunk(chunk: number, span: Span): void {
    const { additions } = this.#layout;
    const address = (block: number): number => this.#slotAddress(block, chunk);
    const target = vectorAddress + span.start * elementBytes;
    for (const { left, right } of additions.slice(0, -1)) {
      this.#kernels.add(address(left), address(left), address(right), span.length);
    }
    const root = additions.at(-1);
    if (root === undefined) this.reduced(span).set(this.slot(0, chunk, span.length));
    else this.#kernels.add(target, address(root.left), address(root.right), span.length);
  }

  resetDigest(): void {
    this.#sums.fill(0);
  }

  /** Counts a part of the reduced vector in the digest; each part once. */
  addToDigest({ start, length }: Span): void {
    this.#kernels.digest(vectorAddress + start * elementBytes, length, start, sumsAddress);
  }

  digest(): string {
    return digestHex(this.#sums);
  }

  get #layout(): ReducePlan {
    if (this.#plan === undefined) throw new BerthError('INTERNAL', 'layOut comes first');
    return this.#plan;
  }

  get #sums(): Uint32Array {
    return new Uint32Array(this.#kernels.memory.buffer, sumsAddress, 2);
  }

  #slotAddress(block: number, chunk: number): number {
    const { vectorLength, maxChunkElements } = this.#layout;
    const slotsAddress = vectorAddress + wholeUnits(vectorLength * elementBytes);
    const slotIndex = block * windowChunks + (chunk % windowChunks);
    return slotsAddress + slotIndex * wholeUnits(maxChunkElements * elementBytes);
  }

  #floats(address: number, length: number): Float32Array {
    return new Float32Array(this.#kernels.memory.buffer, address, length);
  }
}

const wholeUnits = (numBytes: number): number => Math.ceil(numBytes / unitBytes) * unitBytes;
