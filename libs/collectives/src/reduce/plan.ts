import {
  type AlignedBlock,
  BerthError,
  bf16PaddedLength,
  type GradientVector,
  type View,
  type AllReduceDtype,
} from '@berth/contracts';
import { type Addition, canonicalAdditions } from './blocks.ts';
import { unitBytes } from '../wasm/kernels.ts';
import { elementBytes } from './dtype.ts';

/** What the vectors of a view look like; the same for all members. */
export interface VectorShape {
  readonly dtype: AllReduceDtype;
  /** Elements of the vector. */
  readonly length: number;
  /** How many of them, at the end, are fp32 whatever the dtype. */
  readonly numExact: number;
}

/** Elements [start, start + length) of the vector, padding included, and where they lie in it. */
export interface Chunk {
  readonly dtype: AllReduceDtype;
  readonly start: number;
  readonly length: number;
  readonly byteOffset: number;
  readonly byteLength: number;
}

/** A block and the position of the member that computes it. */
export interface OwnedBlock {
  readonly block: AlignedBlock;
  readonly owner: number;
}

/** Who sends what to whom in every all-reduce of a view: a pure function of (view, shape). */
export interface ReducePlan {
  readonly shape: VectorShape;
  readonly vectorBytes: number;
  readonly maxChunkBytes: number;
  /** By member: the chunks, in order, of the slice that the member reduces. */
  readonly chunks: readonly (readonly Chunk[])[];
  /** In order of start. */
  readonly blocks: readonly OwnedBlock[];
  readonly additions: readonly Addition[];
}

/** Measured: smaller ones cost more turns of the event loop, larger ones fall out of the caches. */
export const chunkBytes = 1 << 20;

/** @throws BerthError `CONFIG_INVALID` if the view's blocks do not tile the virtual ranks */
export function planReduce(view: View, shape: VectorShape): ReducePlan {
  const { dtype, length, numExact } = shape;
  const numMembers = view.members.length;
  const blocks = ownedBlocks(view);
  // Exact elements need chunks of their own where the others are not fp32; the last member has them.
  const numBody = dtype === 'fp32' ? length : bf16PaddedLength(length - numExact);
  const chunks = view.members.map((_, index) =>
    chunksOf(dtype, sliceOf(index, numMembers, numBody, dtype)),
  );
  if (dtype === 'bf16' && numExact > 0) {
    const exact = { start: numBody, length: numExact };
    chunks.at(-1)?.push(chunkAt('fp32', exact, numBody * elementBytes.bf16));
  }
  return {
    shape,
    vectorBytes: vectorBytesOf(shape),
    maxChunkBytes: Math.max(...chunks.flat().map(({ byteLength }) => byteLength)),
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

interface Span {
  readonly start: number;
  readonly length: number;
}

/** The even share of the vector that a member reduces. Slices start at whole units of the kernels. */
export function sliceOf(
  index: number,
  numMembers: number,
  numElements: number,
  dtype: AllReduceDtype,
): Span {
  const unit = unitBytes / elementBytes[dtype];
  const numUnits = Math.ceil(numElements / unit);
  const boundary = (at: number): number =>
    Math.min(numElements, Math.floor((at * numUnits) / numMembers) * unit);
  return { start: boundary(index), length: boundary(index + 1) - boundary(index) };
}

function chunksOf(dtype: AllReduceDtype, { start, length }: Span): Chunk[] {
  const most = chunkBytes / elementBytes[dtype];
  return Array.from({ length: Math.ceil(length / most) }, (_, index) => {
    const first = start + index * most;
    const span = { start: first, length: Math.min(most, length - index * most) };
    return chunkAt(dtype, span, first * elementBytes[dtype]);
  });
}

function chunkAt(dtype: AllReduceDtype, span: Span, byteOffset: number): Chunk {
  return { dtype, ...span, byteOffset, byteLength: span.length * elementBytes[dtype] };
}

function vectorBytesOf({ dtype, length, numExact }: VectorShape): number {
  if (dtype === 'fp32') return length * elementBytes.fp32;
  return bf16PaddedLength(length - numExact) * elementBytes.bf16 + numExact * elementBytes.fp32;
}

/** @throws BerthError `COLLECTIVE_PROTOCOL` if the contributions are not the member's blocks, or of another shape */
export function checkContributions(
  contributions: readonly { readonly block: AlignedBlock; readonly data: GradientVector }[],
  blocks: readonly AlignedBlock[],
  shape: VectorShape,
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
  const due = vectorBytesOf(shape) / elementBytes[shape.dtype];
  const isOfWire = (data: GradientVector): boolean =>
    data instanceof (shape.dtype === 'fp32' ? Float32Array : Uint16Array);
  const wrong = contributions.find(({ data }) => !isOfWire(data) || data.length !== due);
  if (wrong !== undefined) {
    throw new BerthError(
      'COLLECTIVE_PROTOCOL',
      `allReduce got ${wrong.data.length} elements for block ${wrong.block.start}, but the ${shape.dtype} vector has ${due}; its shape is fixed for a view`,
    );
  }
}
