import { BerthError } from '@berth/contracts';
import type { Addon } from '../native/addon.ts';
import type { PeerMemory } from '../native/peer-memory.ts';
import { createKernels, type SharedMemory } from '../wasm/kernels.ts';
import type { Addition } from './blocks.ts';
import type { PayloadSums } from './payload-sums.ts';
import type { Chunk } from './plan.ts';

/** Where a block's part of a chunk lies. */
export interface ChunkSource {
  readonly address: number;
  /** Whose memory that is, if not this member's. */
  readonly peer: PeerMemory | undefined;
}

/** A chunk of the result. */
export interface ChunkSum {
  readonly digest: PayloadSums;
  /** By source: what the bytes that were added are, where they were read from a peer's memory. */
  readonly ofPeers: readonly (PayloadSums | undefined)[];
}

/** What is computed of chunks in a member's memory. Addresses are byte offsets into it. */
export interface ChunkKernels {
  /** Same as `payloadSums` of payload-sums.ts. */
  payloadSums(address: number, chunk: Chunk): PayloadSums;
  /** Of a chunk of the result. */
  digest(address: number, chunk: Chunk): PayloadSums;
  /** Carries the additions out, which leave the sum at `target`; what this member's sources hold is used up. */
  sum(
    target: number,
    chunk: Chunk,
    sources: readonly ChunkSource[],
    additions: readonly Addition[],
  ): ChunkSum;
  /** Takes a chunk of the result from the same place of a peer's memory. @returns the digest of what was taken */
  take(address: number, chunk: Chunk, from: PeerMemory): PayloadSums;
}

/** @param scratch - address of a unit to work in */
export function wasmKernels(memory: SharedMemory, scratch: number): ChunkKernels {
  const kernels = createKernels(memory);
  const digest = (address: number, { byteOffset, byteLength }: Chunk): PayloadSums => {
    const sums = new Uint32Array(memory.buffer, scratch, 2).fill(0);
    kernels.digest(address, byteLength / 4, byteOffset / 4, scratch);
    return [sums[0]!, sums[1]!];
  };
  return {
    payloadSums: (address, { byteLength }) => kernels.payloadSums(address, byteLength / 4, scratch),
    digest,
    sum(target, chunk, sources, additions) {
      const add = kernels.add[chunk.dtype];
      const address = (position: number): number => sources[position]!.address;
      for (const { left, right } of additions.slice(0, -1))
        add(address(left), address(left), address(right), chunk.length);
      const root = additions.at(-1);
      if (root !== undefined) add(target, address(root.left), address(root.right), chunk.length);
      else if (address(0) !== target)
        new Uint8Array(memory.buffer).copyWithin(target, address(0), address(0) + chunk.byteLength);
      return { digest: digest(target, chunk), ofPeers: sources.map(() => undefined) };
    },
    take() {
      throw new BerthError('INTERNAL', 'memory of peers is read with the addon only');
    },
  };
}

/** The same with instructions of this processor, and what is in the memory of peers too. */
export function nativeKernels(addon: Addon, memory: SharedMemory): ChunkKernels {
  const sums = new Uint32Array(2);
  const bytes = (): Uint8Array => new Uint8Array(memory.buffer);
  const found = (): PayloadSums => [sums[0]!, sums[1]!];
  let positions = { of: [] as readonly Addition[], flat: new Uint32Array() };
  return {
    payloadSums(address, { byteLength }) {
      addon.payloadSums(bytes(), address, byteLength, sums);
      return found();
    },
    digest(address, { byteOffset, byteLength }) {
      addon.digest(bytes(), address, byteLength, byteOffset / 4, sums);
      return found();
    },
    sum(target, { dtype, byteOffset, byteLength }, sources, additions) {
      if (positions.of !== additions) {
        const flat = Uint32Array.from(additions.flatMap(({ left, right }) => [left, right]));
        positions = { of: additions, flat };
      }
      const all = new Uint32Array(2 + 2 * sources.length);
      addon.sum(
        bytes(),
        target,
        byteLength,
        dtype === 'bf16' ? 1 : 0,
        byteOffset / 4,
        sources.map(({ address, peer }) => [peer?.handle ?? null, address]),
        positions.flat,
        all,
      );
      const sumsAt = (at: number): PayloadSums => [all[at]!, all[at + 1]!];
      return {
        digest: sumsAt(0),
        ofPeers: sources.map(({ peer }, position) =>
          peer === undefined ? undefined : sumsAt(2 + 2 * position),
        ),
      };
    },
    take(address, { byteOffset, byteLength }, from) {
      addon.copy(bytes(), address, from.handle, byteLength, byteOffset / 4, sums);
      return found();
    },
  };
}
