import type { LiveMember, MembershipState } from './membership-state.ts';
import { numericsDifference, standardOf } from './numerics.ts';

/** Members that have opened the run, by id, without those that leave or cannot give its numerics. */
export function siftMembers(state: MembershipState): { eligible: LiveMember[]; refused: string } {
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
  return { eligible, refused: refusals.map((refusal) => `; ${refusal}`).join('') };
}

function named({ memberId, version }: LiveMember): string {
  return version === undefined ? memberId : `${memberId} (berth ${version})`;
}
