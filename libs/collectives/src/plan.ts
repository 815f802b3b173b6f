import { type AlignedBlock, BerthError, type View } from '@berth/contracts';
import { type Addition, canonicalAdditions } from './blocks.ts';
import { unitElements } from './wasm/kernels.ts';

/** Elements [start, start + length) of the vector. */
export interface Span {
  readonly start: number;
  readonly length: number;
}

/** A block and the position of the member that computes it. */
export interface OwnedBlock {
  readonly block: AlignedBlock;
  readonly owner: number;
}

/** Who sends what to whom in every all-reduce of a view: a pure function of (view, vector length). */
export interface ReducePlan {
  readonly vectorLength: number;
  readonly maxChunkElements: number;
  /** By member: the chunks, in order, of the slice that the member reduces. */
  readonly chunks: readonly (readonly Span[])[];
  /** In order of start. */
  readonly blocks: readonly OwnedBlock[];
  readonly additions: readonly Addition[];
}

/** 512 KiB: small enough to be summed within a cache and well under a millisecond. */
export const chunkElements = 131_072;

/** @throws BerthError `CONFIG_INVALID` if the view's blocks do not tile the virtual ranks */
export function planReduce(view: View, vectorLength: number): ReducePlan {
  const blocks = ownedBlocks(view);
  const chunks = view.members.map((_, index) =>
    chunksOf(sliceOf(index, view.members.length, vectorLength)),
  );
  return {
    vectorLength,
    maxChunkElements: Math.max(...chunks.flat().map(({ length }) => length)),
    chunks,
    blocks,
    additions: canonicalAdditions(blocks.map(({ block }) => block)),
  };
}

function ownedBlocks(view: View): OwnedBlock[] {
  return view.members
    .flatMap(({ blocks }, owner) => blocks.map((block) => ({ block, owner })))
    .sort((a, b) => a.block.start - b.block.start);
}

/** The even share of the vector that a member reduces. Slices start at whole units of the kernels. */
export function sliceOf(index: number, numMembers: number, vectorLength: number): Span {
  const numUnits = Math.ceil(vectorLength / unitElements);
  const boundary = (at: number): number =>
    Math.min(vectorLength, Math.floor((at * numUnits) / numMembers) * unitElements);
  return { start: boundary(index), length: boundary(index + 1) - boundary(index) };
}

function chunksOf({ start, length }: Span): Span[] {
  return Array.from({ length: Math.ceil(length / chunkElements) }, (_, chunk) => ({
    start: start + chunk * chunkElements,
    length: Math.min(chunkElements, length - chunk * chunkElements),
  }));
}

/** @throws BerthError `COLLECTIVE_PROTOCOL` if the contributions are not the member's blocks, or differ in length */
export function checkContributions(
  contributions: readonly { readonly block: AlignedBlock; readonly data: Float32Array }[],
  blocks: readonly AlignedBlock[],
  vectorLength: number,
): void {
  const describe = (list: readonly AlignedBlock[]): string =>
    list.map(({ start, length }) => `[${start}, ${start + length})`).join(' ') || 'none';
  const given = describe(contributions.map(({ block }) => block));
  if (given !== describe(blocks)) {
    throw new BerthError(
      'COLLECTIVE_PROTOCOL',
      `allReduce got contributions for blocks ${given}, but the view assigns ${describe(blocks)}; pass one per block, in order`,
    );
  }
  const wrong = contributions.find(({ data }) => data.length !== vectorLength);
  if (wrong !== undefined) {
    throw new BerthError(
      'COLLECTIVE_PROTOCOL',
      `allReduce got ${wrong.data.length} elements for block ${wrong.block.start}, but the vector has ${vectorLength}; the length is fixed for a view`,
    );
  }
}
