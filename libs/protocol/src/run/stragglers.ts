import type { MemberInfo } from '@berth/contracts';

/** Slower than the median of the others by this factor is slow. */
const slowRatio = 1.5;

/** Names the members that hold the others up, by the time each computes a virtual rank in; nothing when none does. */
export function stragglers(members: readonly Pick<MemberInfo, 'memberId' | 'rankMs'>[]): string {
  const slow = members.flatMap(({ memberId, rankMs }) => {
    const others = members.flatMap((other) =>
      other.memberId === memberId ? [] : (other.rankMs ?? []),
    );
    const median = others.sort((a, b) => a - b)[Math.floor((others.length - 1) / 2)];
    if (rankMs === null || median === undefined || rankMs <= slowRatio * median) return [];
    return [
      `${memberId} takes ${Math.round(rankMs)} ms for a virtual rank, the others ${Math.round(median)} ms`,
    ];
  });
  return slow.length === 0 ? '' : `; ${slow.join(', ')}`;
}
