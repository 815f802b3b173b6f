import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

/** Memory of a peer, for the addon alone to look into. */
export interface MappingHandle {
  readonly isMapping: never;
}

/** Where a block's part of a chunk lies: a peer's memory, or null for this member's, and the place there. */
export type AddonSource = readonly [MappingHandle | null, number];

/**
 * What native/addon.cc exports. `memory` is an array over all of this member's memory; places and lengths are bytes, places are multiples
 * of 64. Every function throws an Error where its arguments lead out of a memory.
 */
export interface Addon {
  /** Those that the processor can run best, or those of a name. @returns their name; undefined where it has none such */
  chooseKernels(name?: string): string | undefined;
  /** A file without a name, which lies in memory and keeps its length. @returns its descriptor */
  createFile(): number;
  /** Gives a file the memory's length, and puts its pages in the place of the memory's from `start` on, which hold nothing yet. */
  grow(file: number, memory: Uint8Array, start: number): void;
  mapFile(file: number, numBytes: number): MappingHandle;
  unmap(mapping: MappingHandle): void;
  startsWith(mapping: MappingHandle, bytes: Uint8Array): boolean;
  payloadSums(memory: Uint8Array, start: number, numBytes: number, sums: Uint32Array): void;
  digest(
    memory: Uint8Array,
    start: number,
    numBytes: number,
    firstWord: number,
    sums: Uint32Array,
  ): void;
  /** From the same place of a peer's memory; the sums are the digest of the very bytes that were copied. */
  copy(
    memory: Uint8Array,
    start: number,
    from: MappingHandle,
    numBytes: number,
    firstWord: number,
    sums: Uint32Array,
  ): void;
  /** The sums are the digest of the result, then by source those of the bytes that were read from a peer's memory. */
  sum(
    memory: Uint8Array,
    target: number,
    numBytes: number,
    isBf16: number,
    firstWord: number,
    sources: readonly AddonSource[],
    additions: Uint32Array,
    sums: Uint32Array,
  ): void;
}

/** Where setup puts it. */
const addonPath = fileURLToPath(new URL('../../native/sums.node', import.meta.url));

/** @returns the addon, or why there is none */
export function loadAddon(): Addon | string {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    return `there is no addon for ${process.platform} on ${process.arch}`;
  try {
    const addon = createRequire(import.meta.url)(addonPath) as Addon;
    return addon.chooseKernels() === undefined ? 'the processor lacks SSE 4.1' : addon;
  } catch (error) {
    const [reason = ''] = String(error instanceof Error ? error.message : error).split('\n');
    return `the addon cannot be loaded (${reason}); npm run setup makes it`;
  }
}
