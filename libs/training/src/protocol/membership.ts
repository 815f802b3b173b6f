import type { Complaint, MemberInfo, Numerics, View } from '@berth/contracts';
import { stragglers } from './stragglers.ts';

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
  /** Views that began at the step they all failed to commit, the one in force included. */
  readonly numAttempts: number;
  /** Members that are not seated for now, although they live: the others cannot work with them. */
  readonly expelled: ReadonlySet<string>;
  readonly mode: View['mode'];
  /** Who is missing, as the end of a reason; '' when nobody is known to be. */
  readonly absent: string;
}

export interface MembershipOptions {
  readonly minWorkers: number;
  readonly wantedWorkers: number;
  readonly virtualRanks: number;
  /** How long a first view waits for all wanted workers once there are enough. */
  readonly joinTimeoutMs: number;
  /** How long those whose connection broke have to complain too, which shows that they live. */
  readonly lostGraceMs: number;
  /** How long another complaint waits for the suspect's heartbeat to stop before all are tried again. */
  readonly complaintGraceMs: number;
  /** Attempts at one step after which the member that most of the others accuse is left out. */
  readonly patientAttempts: number;
}

export type MembershipDecision =
  | { readonly kind: 'keep'; readonly reason: string }
  | { readonly kind: 'wait'; readonly reason: string }
  | {
      readonly kind: 'publish';
      readonly members: readonly LiveMember[];
      readonly reason: string;
      /** Members left out although their heartbeat goes on: dead, or cut off from the others. */
      readonly expels?: readonly string[];
    };

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
    const reason = `waiting for ${need - chosen.length} of ${need} workers${state.absent}${refused}`;
    return { kind: 'wait', reason };
  }
  const { view } = state;
  if (view === undefined || view.members.length === 0) {
    const waitedMs = nowMs - state.waitingSinceMs;
    const complete = chosen.length >= Math.min(options.wantedWorkers, options.virtualRanks);
    if (!complete && waitedMs < options.joinTimeoutMs) {
      const reason = `${chosen.length} of ${options.wantedWorkers} workers are here${state.absent}${refused}`;
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
    return { kind: 'publish', members: chosen, reason: farewell(lost, state.live) };
  const complaints = complaintsAbout(view, state.live);
  if (complaints.length > 0) return answerComplaints(nowMs, state, options, chosen, complaints);
  if (joined.length > 0)
    return { kind: 'publish', members: chosen, reason: `${joined.join(', ')} joined` };
  const wanted = Math.min(options.wantedWorkers, options.virtualRanks);
  const count =
    chosen.length < wanted
      ? `${chosen.length} of ${wanted} workers${state.absent}`
      : `${chosen.length} workers`;
  return { kind: 'keep', reason: `${count}${stragglers(chosen)}` };
}

interface MadeComplaint {
  readonly memberId: string;
  readonly complaint: Complaint;
}

/** A live member's complaint about the view in force, each. */
function complaintsAbout(view: View, live: readonly LiveMember[]): MadeComplaint[] {
  const seated = new Set(view.members.map((member) => member.memberId));
  return live.flatMap(({ memberId, complaint }) =>
    complaint?.viewVersion === view.version && seated.has(memberId)
      ? [{ memberId, complaint }]
      : [],
  );
}

/**
 * A broken connection means a dead process, unless that complains as well: then both live, and all try again. If that does
 * not help, the network is cut between members that live, and the one that most accuse is left out; at once if secrets
 * differ, as trying again does not help. Whoever is left out wrongly comes back later, so a mistake costs time only.
 */
function answerComplaints(
  nowMs: number,
  state: MembershipState,
  options: MembershipOptions,
  chosen: readonly LiveMember[],
  complaints: readonly MadeComplaint[],
): MembershipDecision {
  const [{ memberId, complaint: about }] = complaints as [MadeComplaint];
  const what = `${memberId} at step ${about.step}: ${about.error.message}`;
  const isLoss = ({ complaint }: MadeComplaint): boolean =>
    complaint.error.code === 'COLLECTIVE_PEER_LOST';
  const waitedMs = nowMs - (state.complaintSinceMs ?? nowMs);
  const isPatient = waitedMs < options.complaintGraceMs;
  if (waitedMs < (complaints.some(isLoss) ? options.lostGraceMs : options.complaintGraceMs))
    return { kind: 'keep', reason: what };

  const living = new Set(complaints.map((made) => made.memberId));
  let expels = accusedBy(complaints.filter(isLoss)).filter((suspect) => !living.has(suspect));
  const isHopeless = complaints.some(
    ({ complaint }) => complaint.error.code === 'COLLECTIVE_UNAUTHENTICATED',
  );
  if (expels.length === 0 && (isHopeless || state.numAttempts >= options.patientAttempts))
    expels = accusedBy(complaints, newcomersOf(state.live)).slice(0, 1);
  const members = chosen.filter((member) => !expels.includes(member.memberId));
  if (members.length === chosen.length)
    return { kind: 'publish', members, reason: `trying again: ${what}` };
  if (members.length >= Math.max(1, options.minWorkers))
    return { kind: 'publish', members, reason: `without ${expels.join(', ')}: ${what}`, expels };
  // Too few would be left. The heartbeats will show whether the suspects are really dead.
  return isPatient
    ? { kind: 'keep', reason: what }
    : { kind: 'publish', members: chosen, reason: `trying again: ${what}` };
}

function newcomersOf(live: readonly LiveMember[]): ReadonlySet<string> {
  return new Set(live.flatMap(({ memberId, step }) => (step < 0 ? memberId : [])));
}

/**
 * Members that complaints name, those that most name first; among equals those that hold no step yet, then the last by id, as the
 * first leads.
 */
function accusedBy(
  complaints: readonly MadeComplaint[],
  newcomers: ReadonlySet<string> = new Set(),
): string[] {
  const counts = new Map<string, number>();
  for (const { complaint } of complaints)
    for (const suspect of complaint.suspects) counts.set(suspect, (counts.get(suspect) ?? 0) + 1);
  return [...counts]
    .sort(
      ([a, many], [b, few]) =>
        few - many || Number(newcomers.has(b)) - Number(newcomers.has(a)) || (a < b ? 1 : -1),
    )
    .map(([suspect]) => suspect);
}

function farewell(lost: readonly string[], live: readonly LiveMember[]): string {
  const draining = new Set(
    live.flatMap(({ memberId, state }) => (state === 'draining' ? memberId : [])),
  );
  const verbs = lost.map(
    (memberId) => `${draining.has(memberId) ? 'left by' : 'lost'} ${memberId}`,
  );
  return verbs.join(', ');
}

/** Members that have opened the run, by id, without those that leave or cannot give its numerics. */
function sift(state: MembershipState): { eligible: LiveMember[]; refused: string } {
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

function named(members: readonly LiveMember[]): string {
  return members.map((member) => member.memberId).join(', ');
}
