import { BerthError, type GradientVector } from '@berth/contracts';
import { digestHex } from './digest.ts';
import type { PayloadSums } from './payload-sums.ts';
import type { Chunk, ReducePlan } from './plan.ts';
import { createKernels, maximumMemoryBytes, pageBytes, unitBytes } from '../wasm/kernels.ts';
import { elementBytes } from './dtype.ts';

/** Chunks that a peer may be ahead of the slowest one: bounds memory, not throughput. */
export const windowChunks = 3;

const scratchAddress = 0;
const vectorAddress = unitBytes;

/**
 * Where gradients are kept and summed, all in the memory of the kernels: a vector per block of this member, and for each
 * block of the others a ring of chunk slots. The result takes the place of the first vector, chunk by chunk: by the time a
 * chunk of it arrives, its owner has had this member's part. Laid out once for a view and kept, since touching fresh pages
 * costs as much as the sum.
 */
export class ReduceMemory {
  readonly #kernels = createKernels();
  /** Of the chunks of the result so far; being sums, they do not depend on the order. */
  readonly #digest = new Uint32Array(2);
  #plan: ReducePlan | undefined;
  /** By position in `plan.blocks`: where the block's vector, or its slots, begin. */
  #areas: readonly { readonly address: number; readonly isSlots: boolean }[] = [];

  /**
   * Lays the memory out for a plan. The result always starts at the same place.
   * @param self - position of this member in the view
   * @throws BerthError `CONFIG_INVALID` if vectors and slots exceed 4 GiB
   */
  layOut(plan: ReducePlan, self: number): void {
    const vectorBytes = wholeUnits(plan.vectorBytes);
    const slotsBytes = windowChunks * wholeUnits(plan.maxChunkBytes);
    let next = vectorAddress + vectorBytes;
    let isFirst = true;
    const areas = plan.blocks.map(({ owner }) => {
      if (owner === self && isFirst) {
        isFirst = false;
        return { address: vectorAddress, isSlots: false };
      }
      const address = next;
      next += owner === self ? vectorBytes : slotsBytes;
      return { address, isSlots: owner !== self };
    });
    if (next > maximumMemoryBytes) {
      throw new BerthError(
        'CONFIG_INVALID',
        `a gradient of ${plan.shape.length} elements needs ${next} bytes to be reduced, more than the ${maximumMemoryBytes} that WebAssembly addresses; use a smaller model or train.allReduceDtype bf16`,
      );
    }
    const { buffer } = this.#kernels.memory;
    if (next > buffer.byteLength)
      this.#kernels.memory.grow(Math.ceil((next - buffer.byteLength) / pageBytes));
    this.#plan = plan;
    this.#areas = areas;
  }

  /** The vector of a block of this member, to be filled before an all-reduce; its position is that in `plan.blocks`. */
  vector(position: number): GradientVector {
    return this.#vectorAt(this.#areas[position]?.address ?? vectorAddress);
  }

  /** The result. */
  reduced(): GradientVector {
    return this.#vectorAt(vectorAddress);
  }

  /** A chunk of the result. */
  reducedBytes({ byteOffset, byteLength }: Chunk): Uint8Array {
    return this.#bytes(vectorAddress + byteOffset, byteLength);
  }

  /** A chunk of a block's contribution: a part of its vector, or the slot of chunk number `index` of its slice. */
  contributionBytes(position: number, index: number, chunk: Chunk): Uint8Array {
    return this.#bytes(this.#chunkAddress(position, index, chunk), chunk.byteLength);
  }

  /** Sums a chunk over all blocks in canonical order, to its place in the result. */
  sumChunk(index: number, chunk: Chunk): void {
    const { additions } = this.#layout;
    const add = this.#kernels.add[chunk.dtype];
    const address = (position: number): number => this.#chunkAddress(position, index, chunk);
    const target = vectorAddress + chunk.byteOffset;
    for (const { left, right } of additions.slice(0, -1))
      add(address(left), address(left), address(right), chunk.length);
    const root = additions.at(-1);
    if (root !== undefined) add(target, address(root.left), address(root.right), chunk.length);
    else if (address(0) !== target)
      this.reducedBytes(chunk).set(this.contributionBytes(0, index, chunk));
  }

  /** What a frame with a chunk of a block's contribution says of its bytes. */
  contributionSums(position: number, index: number, chunk: Chunk): PayloadSums {
    const address = this.#chunkAddress(position, index, chunk);
    return this.#kernels.payloadSums(address, chunk.byteLength / 4, scratchAddress);
  }

  /** The digest of a chunk of the result, which a frame with it carries. */
  reducedSums({ byteOffset, byteLength }: Chunk): PayloadSums {
    const { digest, memory } = this.#kernels;
    const sums = new Uint32Array(memory.buffer, scratchAddress, 2).fill(0);
    digest(vectorAddress + byteOffset, byteLength / 4, byteOffset / 4, scratchAddress);
    return [sums[0]!, sums[1]!];
  }

  resetDigest(): void {
    this.#digest.fill(0);
  }

  /** Counts the digest of a chunk of the result in that of all of it; each chunk once. */
  addToDigest([first, second]: PayloadSums): void {
    this.#digest[0]! += first;
    this.#digest[1]! += second;
  }

  digest(): string {
    return digestHex(this.#digest);
  }

  get #layout(): ReducePlan {
    if (this.#plan === undefined) throw new BerthError('INTERNAL', 'layOut comes first');
    return this.#plan;
  }

  #chunkAddress(position: number, index: number, chunk: Chunk): number {
    const { address, isSlots } = this.#areas[position]!;
    if (!isSlots) return address + chunk.byteOffset;
    return address + (index % windowChunks) * wholeUnits(this.#layout.maxChunkBytes);
  }

  #vectorAt(address: number): GradientVector {
    const { shape, vectorBytes } = this.#layout;
    const { buffer } = this.#kernels.memory;
    const length = vectorBytes / elementBytes[shape.dtype];
    return shape.dtype === 'fp32'
      ? new Float32Array(buffer, address, length)
      : new Uint16Array(buffer, address, length);
  }

  #bytes(address: number, length: number): Uint8Array {
    return new Uint8Array(this.#kernels.memory.buffer, address, length);
  }
}

const wholeUnits = (numBytes: number): number => Math.ceil(numBytes / unitBytes) * unitBytes;
