import {
  type AlignedBlock,
  BerthError,
  bf16PaddedLength,
  type GradientVector,
  type View,
  type AllReduceDtype,
} from '@berth/contracts';
import { type FrameFormat, frameFormatOf } from '../connections/frame-format.ts';
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
  readonly format: FrameFormat;
  readonly shape: VectorShape;
  readonly vectorBytes: number;
  readonly maxChunkBytes: number;
  /** By member: the chunks that it reduces, its slice, in the order in which they are summed: from the end of the vector on. */
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
  const format = frameFormatOf(view);
  const chunks = chunksOf(dtype, numBody, numMembers, format);
  if (dtype === 'bf16' && numExact > 0) {
    const exact = { start: numBody, length: numExact };
    const chunk = chunkAt('fp32', exact, numBody * elementBytes.bf16);
    if (format === 4) chunks.at(-1)?.push(chunk);
    else chunks.at(-1)?.unshift(chunk);
  }
  return {
    format,
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

/**
 * Cuts the vector into stripes, from its end on, and each stripe into a part for every member: a chunk. A backward pass gives the
 * end of a gradient first, so all members have something to send and to sum from then on. By format 4 all is one stripe, with a
 * part of many chunks. Parts start at whole units of the kernels.
 */
function chunksOf(
  dtype: AllReduceDtype,
  numElements: number,
  numMembers: number,
  format: FrameFormat,
): Chunk[][] {
  const unit = unitBytes / elementBytes[dtype];
  const numUnits = Math.ceil(numElements / unit);
  const stripeUnits = format === 4 ? numUnits : (numMembers * chunkBytes) / unitBytes;
  const most = chunkBytes / elementBytes[dtype];
  const chunks = Array.from({ length: numMembers }, (): Chunk[] => []);
  for (let end = numUnits; end > 0; end -= stripeUnits) {
    const begin = Math.max(0, end - stripeUnits);
    const boundary = (member: number): number =>
      Math.min(numElements, (begin + Math.floor((member * (end - begin)) / numMembers)) * unit);
    for (const [member, own] of chunks.entries())
      for (let start = boundary(member); start < boundary(member + 1); start += most) {
        const length = Math.min(most, boundary(member + 1) - start);
        own.push(chunkAt(dtype, { start, length }, start * elementBytes[dtype]));
      }
  }
  return chunks;
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
