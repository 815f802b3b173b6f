import type { LiveMember } from './membership-state.ts';

/** `compiling, 12 s so far: worker-1-d0bf87, worker-2-bab13a`, for members that are opening a run; '' for none. */
export function openingText(members: readonly LiveMember[]): string {
  const activities = new Map<string, { ids: string[]; longestMs: number }>();
  for (const { memberId, opening } of members) {
    if (opening === undefined) continue;
    const { ids, longestMs } = activities.get(opening.activity) ?? { ids: [], longestMs: 0 };
    activities.set(opening.activity, {
      ids: [...ids, memberId],
      longestMs: Math.max(longestMs, opening.forMs),
    });
  }
  return [...activities]
    .map(
      ([activity, { ids, longestMs }]) =>
        `${activity}, ${Math.round(longestMs / 1_000)} s so far: ${ids.toSorted().join(', ')}`,
    )
    .join('; ');
}
