import { vectorDigest, type Contribution } from '@berth/collectives';
import type { WireError } from '@berth/contracts';
import { simError, type FrameFault } from './world.ts';

/** What carries numbers of a step: a member's blocks, or its slice of the sum. */
export type DataFrame = {
  readonly view: string;
  readonly step: number;
  /** Of the numbers, as the sender knows them. */
  readonly check: string;
} & (
  | { readonly kind: 'contribution'; readonly blocks: readonly Contribution[] }
  | { readonly kind: 'reduced'; readonly slice: Float32Array }
);

export type Frame =
  | DataFrame
  | { readonly kind: 'hello'; readonly view: string; readonly isReply: boolean }
  /** In order, or by the kernel when the process is gone or the connection broke. */
  | { readonly kind: 'closed'; readonly view: string; readonly isInOrder: boolean };

export function contributionFrame(
  view: string,
  step: number,
  blocks: readonly Contribution[],
): DataFrame {
  return { kind: 'contribution', view, step, blocks, check: checkOf(blocks.map(dataOf)) };
}

export function reducedFrame(view: string, step: number, slice: Float32Array): DataFrame {
  return { kind: 'reduced', view, step, slice, check: checkOf([slice]) };
}

/** True for numbers that have arrived as they were sent. */
export function isIntact(frame: DataFrame): boolean {
  const vectors = frame.kind === 'reduced' ? [frame.slice] : frame.blocks.map(dataOf);
  return checkOf(vectors) === frame.check;
}

/** Whether a fault can be done to a frame. */
export function isFaultFor(frame: Frame, fault: FrameFault): boolean {
  switch (fault) {
    case 'contribution-corrupt':
      return frame.kind === 'contribution' && frame.blocks.length > 0;
    case 'reduced-corrupt':
      return frame.kind === 'reduced' && frame.slice.length > 0;
    default:
      return frame.kind !== 'closed';
  }
}

/** The frame with one bit of its first number changed. */
export function corrupted(frame: DataFrame): DataFrame {
  if (frame.kind === 'reduced') return { ...frame, slice: flipped(frame.slice) };
  const [first, ...others] = frame.blocks;
  if (first === undefined) return frame;
  return { ...frame, blocks: [{ ...first, data: flipped(first.data) }, ...others] };
}

/** What a receiver says of one that is not intact. */
export function damaged(memberId: string, { kind, step }: DataFrame): WireError {
  const message = `${memberId} sent a ${kind} of step ${step} that was damaged on the way`;
  return simError('COLLECTIVE_PROTOCOL', message, { memberId });
}

function flipped(vector: Float32Array): Float32Array {
  const copy = vector.slice();
  new Uint32Array(copy.buffer)[0]! ^= 1 << 20;
  return copy;
}

const dataOf = ({ data }: Contribution): Float32Array => data;

function checkOf(vectors: readonly Float32Array[]): string {
  return vectors.map(vectorDigest).join();
}
