import type { LiveMember, MembershipState } from './membership-state.ts';
import { numericsDifference, standardOf } from './numerics.ts';

type SiftState = Pick<
  MembershipState,
  'runId' | 'live' | 'unreadable' | 'view' | 'numerics' | 'expelled'
>;

export interface SiftedMembers {
  /** Those that have opened the run, by id, without those that leave or cannot give its numerics. */
  readonly eligible: LiveMember[];
  /** Who is refused and why, as the end of a reason; '' when nobody is. */
  readonly refused: string;
  /** Those that are still opening the run. */
  readonly opening: LiveMember[];
}

/** Which live members can be counted on for a run. */
export function siftMembers(state: SiftState): SiftedMembers {
  const opening = state.live.filter(
    (member) =>
      member.runId === state.runId &&
      member.opening !== undefined &&
      !state.expelled.has(member.memberId),
  );
  const candidates = state.live
    .filter((member) => member.runId === state.runId)
    .filter((member) => member.state === 'idle' || member.state === 'training')
    .filter((member) => !state.expelled.has(member.memberId))
    .sort((a, b) => (a.memberId < b.memberId ? -1 : 1));
  // Members of the view in force keep their place, so that a newcomer never pushes out one that holds the weights.
  const seated = new Set(state.view?.members.map((member) => member.memberId));
  candidates.sort((a, b) => Number(seated.has(b.memberId)) - Number(seated.has(a.memberId)));
  const standard = standardOf(state.numerics, candidates);
  const eligible: LiveMember[] = [];
  const refusals: string[] = [];
  for (const member of candidates) {
    const difference = standard && numericsDifference(standard, member.numerics);
    if (difference === undefined) eligible.push(member);
    else refusals.push(`${named(member)} is refused: ${difference}`);
  }
  for (const { memberId, problem } of state.unreadable)
    refusals.push(`${memberId} speaks another version: ${problem}`);
  return { eligible, refused: refusals.map((refusal) => `; ${refusal}`).join(''), opening };
}

function named({ memberId, version }: LiveMember): string {
  return version === undefined ? memberId : `${memberId} (berth ${version})`;
}
