import type { View } from '@berth/contracts';
import { answerComplaints, complaintsAbout } from './complaints.ts';
import type {
  LiveMember,
  MembershipDecision,
  MembershipOptions,
  MembershipState,
} from './membership-state.ts';
import { openingText } from './opening.ts';
import { classifyMembers } from './classify-members.ts';
import { stragglers } from './stragglers.ts';

/**
 * Who should train now. Pure: the same inputs give the same view.
 * Views change only when membership does, when a member complains, or when the mode changes.
 */
export function decideMembership(
  nowMs: number,
  state: MembershipState,
  options: MembershipOptions,
): MembershipDecision {
  const { eligible, refused, opening } = classifyMembers(state);
  const soon = openingText(opening);
  const chosen = eligible.slice(0, options.virtualRanks);
  const need = Math.max(1, options.minWorkers);
  if (chosen.length < need) {
    const numMissing = need - chosen.length - opening.length;
    const whom = need === 1 ? 'a worker' : `${numMissing} of ${need} workers`;
    const missing = `waiting for ${whom}${state.absent}`;
    const awaited = numMissing > 0 ? [missing, soon] : [soon];
    const reason = awaited.filter((text) => text !== '').join('; ');
    return { kind: 'wait', reason: `${reason}${refused}${state.leftOut}` };
  }
  const { view } = state;
  if (view === undefined || view.members.length === 0) {
    const waitedMs = nowMs - state.waitingSinceMs;
    const complete = chosen.length >= Math.min(options.wantedWorkers, options.virtualRanks);
    if (!complete && waitedMs < options.joinTimeoutMs) {
      const here = `${chosen.length} of ${options.wantedWorkers} workers are here${state.absent}`;
      const reason = `${here}${also(soon)}${refused}${state.leftOut}`;
      return { kind: 'wait', reason };
    }
    return { kind: 'publish', members: chosen, reason: `starting with ${named(chosen)}` };
  }
  if (view.mode !== state.mode)
    return {
      kind: 'publish',
      members: chosen,
      reason: state.mode === 'save' ? 'saving a checkpoint' : 'training goes on',
    };
  if (state.repeats !== undefined)
    return { kind: 'publish', members: chosen, reason: state.repeats };
  const besides = `${also(soon)}${state.leftOut}${refused}`;
  return decideChange(nowMs, state, options, view, chosen, besides);
}

function also(text: string): string {
  return text === '' ? '' : `; ${text}`;
}

function decideChange(
  nowMs: number,
  state: MembershipState,
  options: MembershipOptions,
  view: View,
  chosen: readonly LiveMember[],
  besides: string,
): MembershipDecision {
  const before = new Set(view.members.map((member) => member.memberId));
  const now = new Set(chosen.map((member) => member.memberId));
  const lost = [...before].filter((member) => !now.has(member));
  const joined = [...now].filter((member) => !before.has(member));
  if (lost.length > 0)
    return { kind: 'publish', members: chosen, reason: reasonOfLoss(lost, state.live) };
  const complaints = complaintsAbout(view, state.live);
  if (complaints.length > 0) return answerComplaints(nowMs, state, options, chosen, complaints);
  if (joined.length > 0) {
    const newcomers = joined.join(', ');
    if (state.isMidStep)
      return { kind: 'keep', awaitsJoin: true, reason: `${newcomers} joins after this step` };
    return { kind: 'publish', members: chosen, reason: `${newcomers} joined` };
  }
  const wanted = Math.min(options.wantedWorkers, options.virtualRanks);
  const count =
    chosen.length < wanted
      ? `${chosen.length} of ${wanted} workers${state.absent}`
      : `${chosen.length} worker${chosen.length === 1 ? '' : 's'}`;
  return { kind: 'keep', reason: `${count}${stragglers(chosen)}${besides}` };
}

function reasonOfLoss(lost: readonly string[], live: readonly LiveMember[]): string {
  const draining = new Set(
    live.flatMap(({ memberId, state }) => (state === 'draining' ? memberId : [])),
  );
  const verbs = lost.map(
    (memberId) => `${draining.has(memberId) ? 'left by' : 'lost'} ${memberId}`,
  );
  return verbs.join(', ');
}

function named(members: readonly LiveMember[]): string {
  return members.map((member) => member.memberId).join(', ');
}
