import type { View } from '@berth/contracts';
import { planReduce, type VectorShape } from './plan.ts';

/** Bytes of gradient that one member moves in an all-reduce, without the headers of frames and packets. */
export interface Traffic {
  readonly sent: PhaseBytes;
  readonly received: PhaseBytes;
}

interface PhaseBytes {
  /** Contributions to the slices. */
  readonly reduceScatter: number;
  /** Slices that are summed. */
  readonly allGather: number;
}

/** What connects every member with the others. */
export interface NetworkLimits {
  /** Each way, at the same time. */
  readonly bitsPerSecond: number;
  /** From one member to another. */
  readonly oneWayMs: number;
}

/** What each member of a view moves, in their order. @throws BerthError `CONFIG_INVALID` as `planReduce` does */
export function trafficOf(view: View, shape: VectorShape): Traffic[] {
  const { chunks, blocks } = planReduce(view, shape);
  const sliceBytes = chunks.map((slice) => sum(slice.map(({ byteLength }) => byteLength)));
  const numBlocks = view.members.map(
    (_, index) => blocks.filter(({ owner }) => owner === index).length,
  );
  const numMembers = view.members.length;
  return view.members.map((_, index) => {
    const own = sliceBytes[index] ?? 0;
    const ownBlocks = numBlocks[index] ?? 0;
    const others = sum(sliceBytes) - own;
    return {
      sent: { reduceScatter: ownBlocks * others, allGather: (numMembers - 1) * own },
      received: { reduceScatter: (sum(numBlocks) - ownBlocks) * own, allGather: others },
    };
  });
}

/**
 * What no all-reduce of this traffic can be faster than. Summed slices can leave once the first contributions are there, so the two
 * phases may overlap but for the way: all bytes and one way, or those of the longer phase and both ways, whichever is longer, of the
 * member that moves most.
 */
export function lowestMs(
  traffic: readonly Traffic[],
  { bitsPerSecond, oneWayMs }: NetworkLimits,
): number {
  const msOf = (numBytes: number): number => (numBytes * 8_000) / bitsPerSecond;
  const ways = traffic.flatMap(({ sent, received }) => [sent, received]);
  return Math.max(
    0,
    ...ways
      .filter(({ reduceScatter, allGather }) => reduceScatter + allGather > 0)
      .map(({ reduceScatter, allGather }) =>
        Math.max(
          msOf(reduceScatter + allGather) + oneWayMs,
          msOf(Math.max(reduceScatter, allGather)) + 2 * oneWayMs,
        ),
      ),
  );
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
