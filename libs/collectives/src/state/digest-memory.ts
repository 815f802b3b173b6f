import { createKernels, pageBytes, unitBytes } from '../wasm/kernels.ts';

const sumsAddress = 0;
const wordsAddress = unitBytes;

/** Memory of its own in which WebAssembly digests pieces of a vector, as `addToDigest` of @berth/contracts does. */
export class DigestMemory {
  /** Where a piece is put. */
  readonly words: Float32Array;
  readonly #kernels = createKernels();

  /** @param length - elements of the longest piece */
  constructor(length: number) {
    const { memory } = this.#kernels;
    const numBytes = wordsAddress + Math.ceil((length * 4) / unitBytes) * unitBytes;
    const numPages = Math.ceil(numBytes / pageBytes) - memory.buffer.byteLength / pageBytes;
    if (numPages > 0) memory.grow(numPages);
    this.words = new Float32Array(memory.buffer, wordsAddress, length);
  }

  /**
   * Adds `words[from, to)` to the two sums of a digest.
   * @param firstIndex - index of `words[from]` in the whole vector
   */
  addTo(sums: Uint32Array, from: number, to: number, firstIndex: number): void {
    const { memory, digest } = this.#kernels;
    const own = new Uint32Array(memory.buffer, sumsAddress, 2).fill(0);
    digest(wordsAddress + 4 * from, to - from, firstIndex, sumsAddress);
    own.forEach((sum, place) => (sums[place]! += sum));
  }
}
