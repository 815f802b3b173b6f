import type { MemberInfo, Numerics, View } from '@berth/contracts';

/** A live worker as the coordinator sees it. */
export type LiveMember = MemberInfo;

export interface MembershipState {
  readonly runId: string;
  readonly live: readonly LiveMember[];
  /** The view in force, if the run has one. */
  readonly view: View | undefined;
  /** The run's numerics, once decided. */
  readonly numerics: Numerics | undefined;
  /** When the coordinator began to wait for this run's members. */
  readonly waitingSinceMs: number;
  /** When the complaint about the view in force was first seen. */
  readonly complaintSinceMs: number | undefined;
  readonly mode: View['mode'];
}

export interface MembershipOptions {
  readonly minWorkers: number;
  readonly wantedWorkers: number;
  readonly virtualRanks: number;
  /** How long a first view waits for all wanted workers once there are enough. */
  readonly joinTimeoutMs: number;
  /** How long a complaint waits for the suspect's heartbeat to stop before all are tried again. */
  readonly complaintGraceMs: number;
}

export type MembershipDecision =
  | { readonly kind: 'keep'; readonly reason: string }
  | { readonly kind: 'wait'; readonly reason: string }
  | { readonly kind: 'publish'; readonly members: readonly LiveMember[]; readonly reason: string };

/**
 * Who should train now. Pure: the same inputs give the same view.
 * Views change only when membership does, when a member complains, or when the mode changes.
 */
export function decideMembership(
  nowMs: number,
  state: MembershipState,
  options: MembershipOptions,
): MembershipDecision {
  const { eligible, refused } = sift(state);
  const chosen = eligible.slice(0, options.virtualRanks);
  const need = Math.max(1, options.minWorkers);
  if (chosen.length < need) {
    const reason = `waiting for ${need - chosen.length} of ${need} workers${refused}`;
    return { kind: 'wait', reason };
  }
  const { view } = state;
  if (view === undefined || view.members.length === 0) {
    const waitedMs = nowMs - state.waitingSinceMs;
    const complete = chosen.length >= Math.min(options.wantedWorkers, options.virtualRanks);
    if (!complete && waitedMs < options.joinTimeoutMs) {
      const reason = `${chosen.length} of ${options.wantedWorkers} workers are here${refused}`;
      return { kind: 'wait', reason };
    }
    return { kind: 'publish', members: chosen, reason: `starting with ${named(chosen)}` };
  }
  if (view.mode !== state.mode)
    return { kind: 'publish', members: chosen, reason: `changing to ${state.mode}` };
  return decideChange(nowMs, state, options, view, chosen);
}

function decideChange(
  nowMs: number,
  state: MembershipState,
  options: MembershipOptions,
  view: View,
  chosen: readonly LiveMember[],
): MembershipDecision {
  const before = new Set(view.members.map((member) => member.memberId));
  const now = new Set(chosen.map((member) => member.memberId));
  const lost = [...before].filter((member) => !now.has(member));
  const joined = [...now].filter((member) => !before.has(member));
  if (lost.length > 0)
    return { kind: 'publish', members: chosen, reason: `lost ${lost.join(', ')}` };
  if (joined.length > 0)
    return { kind: 'publish', members: chosen, reason: `${joined.join(', ')} joined` };
  const complaint = complaintAbout(view, state.live);
  if (complaint !== undefined) {
    const sinceMs = state.complaintSinceMs ?? nowMs;
    if (nowMs - sinceMs >= options.complaintGraceMs)
      return { kind: 'publish', members: chosen, reason: `trying again: ${complaint}` };
    return { kind: 'keep', reason: complaint };
  }
  return { kind: 'keep', reason: `${chosen.length} workers` };
}

/** The first complaint about a view among live members, as a sentence. */
function complaintAbout(view: View, live: readonly LiveMember[]): string | undefined {
  const member = live.find((candidate) => candidate.complaint?.viewVersion === view.version);
  if (member?.complaint == null) return undefined;
  return `${member.memberId} at step ${member.complaint.step}: ${member.complaint.error.message}`;
}

/** Members that have opened the run, by id, without those that leave or cannot give its numerics. */
function sift(state: MembershipState): { eligible: LiveMember[]; refused: string } {
  const candidates = state.live
    .filter((member) => member.runId === state.runId)
    .filter((member) => member.state === 'idle' || member.state === 'training')
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

function named(members: readonly LiveMember[]): string {
  return members.map((member) => member.memberId).join(', ');
}
