import { BerthError, type GradientVector } from '@berth/contracts';
import { type Addon, loadAddon } from '../native/addon.ts';
import { PeerMemory } from '../native/peer-memory.ts';
import { type MemoryPlace, SharedPages } from '../native/shared-pages.ts';
import { createMemory, maximumMemoryBytes, pageBytes, unitBytes } from '../wasm/kernels.ts';
import {
  type ChunkKernels,
  type ChunkSource,
  type ChunkSum,
  nativeKernels,
  wasmKernels,
} from './chunk-kernels.ts';
import { digestHex } from './digest.ts';
import { elementBytes } from './dtype.ts';
import type { PayloadSums } from './payload-sums.ts';
import type { Chunk, ReducePlan } from './plan.ts';

/** Chunks that a peer may be ahead of the slowest one: bounds memory, not throughput. */
export const windowChunks = 3;

/** The kernels' room to work in, or the token of shared pages. */
const scratchAddress = 0;
const vectorAddress = unitBytes;

interface Area {
  readonly address: number;
  /** Slots for chunks of a peer's block, rather than a vector. */
  readonly isSlots: boolean;
}

/** Where a member has everything: its vectors first. All members of frame format 6 lay their memory out in this way. */
interface Layout {
  readonly plan: ReducePlan;
  /** By position in `plan.blocks`: where the block's vector, or its slots, begin. */
  readonly areas: readonly Area[];
  /** Up to the end of the vectors, which is all that peers look at. */
  readonly vectorsBytes: number;
  readonly numBytes: number;
}

export interface ReduceMemoryOptions {
  /** Whether members of this machine may map it, where that can be done. @defaultValue true */
  readonly isShared?: boolean;
  /** Or why there is none. @defaultValue what setup has compiled */
  readonly addon?: Addon | string;
}

/**
 * Where gradients are kept and summed: a vector per block of this member, and for each block of the others a ring of chunk slots. The
 * result takes the place of the first vector, chunk by chunk: by the time a chunk of it arrives, its owner has had this member's
 * part. Laid out once for a view and kept, since touching fresh pages costs as much as the sum.
 *
 * Where setup has compiled the addon, members of this machine can map the memory, to read from it what they would be sent.
 */
export class ReduceMemory {
  readonly #memory = createMemory();
  readonly #addon: Addon | string;
  readonly #kernels: ChunkKernels;
  #pages: SharedPages | string;
  /** How much of the memory lies in the pages. */
  #sharedBytes = 0;
  /** Of the chunks of the result so far; being sums, they do not depend on the order. */
  readonly #digest = new Uint32Array(2);
  #layout: Layout | undefined;
  /** Of all members of the view, by position. */
  #layouts: readonly Layout[] = [];

  constructor({ isShared = true, addon = loadAddon() }: ReduceMemoryOptions = {}) {
    this.#addon = addon;
    if (typeof addon === 'string') {
      this.#kernels = wasmKernels(this.#memory, scratchAddress);
      this.#pages = addon;
      return;
    }
    this.#kernels = nativeKernels(addon, this.#memory);
    this.#pages = 'this member was told not to share its memory';
    if (isShared)
      this.#share(pageBytes, () => {
        this.#pages = new SharedPages(addon);
        return this.#pages;
      });
  }

  /**
   * Lays the memory out for a plan. The result always starts at the same place.
   * @param self - position of this member in the view
   * @throws BerthError `CONFIG_INVALID` if vectors and slots exceed 4 GiB
   */
  layOut(plan: ReducePlan, self: number): void {
    const layouts = plan.chunks.map((_, member) => layoutOf(plan, member));
    const { numBytes, vectorsBytes } = layouts[self]!;
    if (numBytes > maximumMemoryBytes) {
      throw new BerthError(
        'CONFIG_INVALID',
        `a gradient of ${plan.shape.length} elements needs ${numBytes} bytes to be reduced, more than the ${maximumMemoryBytes} that WebAssembly addresses; use a smaller model or train.allReduceDtype bf16`,
      );
    }
    const missingBytes = numBytes - this.#memory.buffer.byteLength;
    if (missingBytes > 0) this.#memory.grow(Math.ceil(missingBytes / pageBytes));
    const pages = this.#pages;
    if (typeof pages !== 'string' && vectorsBytes > this.#sharedBytes)
      this.#share(Math.ceil(vectorsBytes / pageBytes) * pageBytes, () => pages);
    this.#layout = layouts[self];
    this.#layouts = layouts;
  }

  /** Where peers find this memory, or why they do not. */
  get place(): MemoryPlace | string {
    const pages = this.#pages;
    return typeof pages === 'string' ? pages : pages.place(this.#sharedBytes);
  }

  /** Maps the memory of a peer of the view. @throws Error if that cannot be done */
  openPeer(place: MemoryPlace, member: number): PeerMemory {
    if (typeof this.#addon === 'string') throw new Error(this.#addon);
    const { vectorsBytes } = this.#layouts[member]!;
    if (place.numBytes < vectorsBytes)
      throw new Error(`${place.numBytes} bytes cannot hold the ${vectorsBytes} of its vectors`);
    return new PeerMemory(this.#addon, place);
  }

  /** The vector of a block of this member, to be filled before an all-reduce; its position is that in `plan.blocks`. */
  vector(position: number): GradientVector {
    return this.#vectorAt(this.#laidOut.areas[position]?.address ?? vectorAddress);
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

  /**
   * Sums chunk number `index` of this member's slice over all blocks, into the result.
   * @param peerOf - the memory that a member's contributions are to be read from, if they are not in slots
   */
  sumChunk(
    index: number,
    chunk: Chunk,
    peerOf: (member: number) => PeerMemory | undefined,
  ): ChunkSum {
    const { plan } = this.#laidOut;
    const sources = plan.blocks.map(({ owner }, position): ChunkSource => {
      const peer = peerOf(owner);
      if (peer === undefined) return { address: this.#chunkAddress(position, index, chunk), peer };
      const { address } = this.#layouts[owner]!.areas[position]!;
      return { address: address + chunk.byteOffset, peer };
    });
    const target = vectorAddress + chunk.byteOffset;
    return this.#kernels.sum(target, chunk, sources, plan.additions);
  }

  /** Takes a chunk of the result from its owner's memory. @returns the digest of what was taken */
  takeSum(chunk: Chunk, owner: PeerMemory): PayloadSums {
    return this.#kernels.take(vectorAddress + chunk.byteOffset, chunk, owner);
  }

  /** What a frame with a chunk of a block's contribution says of its bytes. */
  contributionSums(position: number, index: number, chunk: Chunk): PayloadSums {
    return this.#kernels.payloadSums(this.#chunkAddress(position, index, chunk), chunk);
  }

  /** The digest of a chunk of the result, which a frame with it carries. */
  reducedSums(chunk: Chunk): PayloadSums {
    return this.#kernels.digest(vectorAddress + chunk.byteOffset, chunk);
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

  /** Shares it with nobody more; what it holds stays. */
  close(): void {
    if (typeof this.#pages === 'string') return;
    this.#pages.close();
    this.#pages = 'this member has ended';
  }

  /** Puts more of the memory into pages that peers can map; what lay there is gone, which is none of an earlier result. */
  #share(numBytes: number, pagesOf: () => SharedPages): void {
    try {
      pagesOf().grow(new Uint8Array(this.#memory.buffer, 0, numBytes), this.#sharedBytes);
      this.#sharedBytes = numBytes;
    } catch (error) {
      this.close();
      this.#pages = error instanceof Error ? error.message : String(error);
    }
  }

  get #laidOut(): Layout {
    if (this.#layout === undefined) throw new BerthError('INTERNAL', 'layOut comes first');
    return this.#layout;
  }

  #chunkAddress(position: number, index: number, chunk: Chunk): number {
    const { plan, areas } = this.#laidOut;
    const { address, isSlots } = areas[position]!;
    if (!isSlots) return address + chunk.byteOffset;
    return address + (index % windowChunks) * wholeUnits(plan.maxChunkBytes);
  }

  #vectorAt(address: number): GradientVector {
    const { shape, vectorBytes } = this.#laidOut.plan;
    const { buffer } = this.#memory;
    const length = vectorBytes / elementBytes[shape.dtype];
    return shape.dtype === 'fp32'
      ? new Float32Array(buffer, address, length)
      : new Uint16Array(buffer, address, length);
  }

  #bytes(address: number, length: number): Uint8Array {
    return new Uint8Array(this.#memory.buffer, address, length);
  }
}

function layoutOf(plan: ReducePlan, self: number): Layout {
  const vectorBytes = wholeUnits(plan.vectorBytes);
  const slotsBytes = windowChunks * wholeUnits(plan.maxChunkBytes);
  const numOwn = plan.blocks.filter(({ owner }) => owner === self).length;
  const vectorsBytes = vectorAddress + Math.max(1, numOwn) * vectorBytes;
  let [nextVector, nextSlots] = [vectorAddress, vectorsBytes];
  const areas = plan.blocks.map(({ owner }): Area => {
    const isSlots = owner !== self;
    const address = isSlots ? nextSlots : nextVector;
    if (isSlots) nextSlots += slotsBytes;
    else nextVector += vectorBytes;
    return { address, isSlots };
  });
  return { plan, areas, vectorsBytes, numBytes: nextSlots };
}

const wholeUnits = (numBytes: number): number => Math.ceil(numBytes / unitBytes) * unitBytes;
