import type { Numerics } from '@berth/contracts';
import type { LiveMember, MembershipState } from './membership-state.ts';

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
  const standard = state.numerics ?? candidates[0]?.numerics;
  const eligible: LiveMember[] = [];
  const refusals: string[] = [];
  for (const member of candidates) {
    const difference = standard && numericsDifference(standard, member.numerics);
    if (difference === undefined) eligible.push(member);
    else refusals.push(`${member.memberId} is refused: ${difference}`);
  }
  return { eligible, refused: refusals.length > 0 ? `; ${refusals.join('; ')}` : '' };
}

/** Why a member's arithmetic would give other bits, or undefined when it gives the same. */
export function numericsDifference(standard: Numerics, other: Numerics): string | undefined {
  for (const key of ['tensorflow', 'device', 'kernels', 'numThreads'] as const)
    if (standard[key] !== other[key])
      return `its ${key} is ${other[key]}, the run's is ${standard[key]}`;
  return undefined;
}
