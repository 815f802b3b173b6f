import type { LiveMember, MembershipState } from './membership-state.ts';
import { knownDifference, numericsDifference, standardOf } from './numerics.ts';

type MembersState = Pick<
  MembershipState,
  'runId' | 'live' | 'unreadable' | 'view' | 'numerics' | 'hasRelay' | 'quarantined'
>;

export interface ClassifiedMembers {
  /** Those that have opened the run, by id, without those that leave or cannot give its numerics. */
  readonly eligible: LiveMember[];
  /** Who is refused and why, as the end of a reason; '' when nobody is. */
  readonly refused: string;
  /** Those that are still opening the run, as far as is known by then without those that cannot give its numerics. */
  readonly opening: LiveMember[];
}

/** Which live members can be counted on for a run. */
export function classifyMembers(state: MembersState): ClassifiedMembers {
  const present = state.live.filter(
    ({ runId, memberId }) => runId === state.runId && !state.quarantined.has(memberId),
  );
  const candidates = present
    .filter((member) => member.state === 'idle' || member.state === 'training')
    .sort((a, b) => (a.memberId < b.memberId ? -1 : 1));
  // Members of the view in force keep their place, so that a newcomer never pushes out one that holds the weights.
  const inView = new Set(state.view?.members.map((member) => member.memberId));
  candidates.sort((a, b) => Number(inView.has(b.memberId)) - Number(inView.has(a.memberId)));
  const standard = standardOf(state.numerics, candidates);
  const refusals: string[] = [];
  const isRefused = (member: LiveMember, difference: string | undefined): boolean => {
    if (difference !== undefined) refusals.push(`${named(member)} is refused: ${difference}`);
    return difference !== undefined;
  };
  const same = candidates.filter(
    (member) => !isRefused(member, standard && numericsDifference(standard, member.numerics)),
  );
  // Without a relay two of which neither can dial the other have no way to each other.
  const hidden = same.find(({ isReachable }) => isReachable === false);
  const eligible = same.filter(
    (member) =>
      state.hasRelay ||
      member === hidden ||
      !isRefused(member, member.isReachable === false ? noWay(hidden?.memberId) : undefined),
  );
  const opening = present.filter(
    (member) =>
      member.opening !== undefined &&
      !isRefused(member, standard && knownDifference(standard, member.numerics)),
  );
  for (const { memberId, problem } of state.unreadable)
    refusals.push(`${memberId} speaks another version: ${problem}`);
  return { eligible, refused: refusals.map((refusal) => `; ${refusal}`).join(''), opening };
}

function named({ memberId, version }: LiveMember): string {
  return version === undefined ? memberId : `${memberId} (berth ${version})`;
}

function noWay(memberId = ''): string {
  return (
    `neither it nor ${memberId} can be dialled by other workers (BERTH_PEER_REACHABLE), ` +
    'and this coordinator has no BERTH_SECRET, so it relays nothing'
  );
}
