import type { MemberInfo } from '@berth/contracts';

/** Slower than the median of the others by this factor is straggling. */
const stragglingRatio = 1.5;

type Paced = Pick<MemberInfo, 'memberId' | 'rankMs'>;

/** How long a member takes for a virtual rank, beside the others of its view. */
export interface Pace {
  readonly rankMs: number;
  /** The median of the others, the lower one of two. */
  readonly othersMs: number;
  readonly ratio: number;
  readonly isStraggling: boolean;
}

/** A member's pace among those of its view; undefined while it or all others have not measured theirs. */
export function paceAmong(
  members: readonly Paced[],
  { memberId, rankMs }: Paced,
): Pace | undefined {
  const others = members.flatMap((other) =>
    other.memberId === memberId ? [] : (other.rankMs ?? []),
  );
  const othersMs = others.sort((a, b) => a - b)[Math.floor((others.length - 1) / 2)];
  if (rankMs === null || othersMs === undefined) return undefined;
  const isStraggling = rankMs > stragglingRatio * othersMs;
  return { rankMs, othersMs, ratio: othersMs > 0 ? rankMs / othersMs : 1, isStraggling };
}

/** Names the members that hold the others up; nothing when none does. */
export function stragglers(members: readonly Paced[]): string {
  const slow = members.flatMap((member) => {
    const pace = paceAmong(members, member);
    if (pace?.isStraggling !== true) return [];
    const [own, others] = [Math.round(pace.rankMs), Math.round(pace.othersMs)];
    return [`${member.memberId} takes ${own} ms for a virtual rank, the others ${others} ms`];
  });
  return slow.length === 0 ? '' : `; ${slow.join(', ')}`;
}
