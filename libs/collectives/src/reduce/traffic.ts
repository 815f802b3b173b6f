import type { View, ViewMember } from '@berth/contracts';
import { planReduce, type VectorShape } from './plan.ts';

/** Bytes of gradient that a member or a link moves in an all-reduce, without the headers of frames and packets. */
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
  return [...trafficBy(({ memberId }) => memberId, view, shape).values()];
}

/**
 * What each link of a view carries, by the address that it is reached at: members at one address share it, and what they send to each
 * other stays on their host. One that cannot be dialled has a link of its own, by its id.
 * @throws BerthError `CONFIG_INVALID` as `planReduce` does
 */
export function trafficOfLinks(view: View, shape: VectorShape): Map<string, Traffic> {
  return trafficBy(linkOf, view, shape);
}

/** What tells the link of a member from others of its view. */
export function linkOf({ memberId, host, isReachable }: ViewMember): string {
  return isReachable === false ? memberId : host;
}

/** What groups of members send to and get from all others, in the order of their first members. */
function trafficBy(
  groupOf: (member: ViewMember) => string,
  view: View,
  shape: VectorShape,
): Map<string, Traffic> {
  const { chunks } = planReduce(view, shape);
  const members = view.members.map((member, index) => ({
    group: groupOf(member),
    numMembers: 1,
    numBlocks: member.blocks.length,
    sliceBytes: sum((chunks[index] ?? []).map(({ byteLength }) => byteLength)),
  }));
  const all = partOf(members);
  const groups = [...new Set(members.map(({ group }) => group))];
  return new Map(
    groups.map((group) => {
      const own = partOf(members.filter((member) => member.group === group));
      const otherBytes = all.sliceBytes - own.sliceBytes;
      return [
        group,
        {
          sent: {
            reduceScatter: own.numBlocks * otherBytes,
            allGather: (all.numMembers - own.numMembers) * own.sliceBytes,
          },
          received: {
            reduceScatter: (all.numBlocks - own.numBlocks) * own.sliceBytes,
            allGather: own.numMembers * otherBytes,
          },
        },
      ];
    }),
  );
}

interface Part {
  readonly numMembers: number;
  /** A contribution of each is sent to whoever sums a slice. */
  readonly numBlocks: number;
  readonly sliceBytes: number;
}

function partOf(members: readonly Part[]): Part {
  return {
    numMembers: members.length,
    numBlocks: sum(members.map(({ numBlocks }) => numBlocks)),
    sliceBytes: sum(members.map(({ sliceBytes }) => sliceBytes)),
  };
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
