import { errorFromWire, type Complaint, type View } from '@berth/contracts';
import type {
  LiveMember,
  MembershipDecision,
  MembershipOptions,
  MembershipState,
} from './membership-state.ts';

const stuckMs = 30_000;

export interface MadeComplaint {
  readonly memberId: string;
  readonly complaint: Complaint;
}

/** A live member's complaint about the view in force, each. One that accuses only strangers is of an older view of its number. */
export function complaintsAbout(view: View, live: readonly LiveMember[]): MadeComplaint[] {
  const inView = new Set(view.members.map((member) => member.memberId));
  return live.flatMap(({ memberId, complaint }) => {
    if (complaint?.viewVersion !== view.version || !inView.has(memberId)) return [];
    const { suspects } = complaint;
    const isOlder = suspects.length > 0 && !suspects.some((suspect) => inView.has(suspect));
    return isOlder ? [] : [{ memberId, complaint }];
  });
}

/** An error that no other try cures, met by one member: whether it is its own, the others show. */
export function isOwnError({ complaint }: MadeComplaint): boolean {
  return !errorFromWire(complaint.error).policy.retry;
}

/**
 * Whoever meets an error that no other try cures is left out, once the others have had time to say that they meet it too.
 * A broken connection means a dead process, unless that complains as well: then both live, and all try again. If that does
 * not help, the network is cut between members that live, and the one that most accuse is left out; at once if secrets
 * differ, as trying again does not help, if that one has been left out before, or if its device has not answered for long. Whoever is
 * left out wrongly comes back later, so a mistake costs time only.
 */
export function answerComplaints(
  nowMs: number,
  state: MembershipState,
  options: MembershipOptions,
  chosen: readonly LiveMember[],
  complaints: readonly MadeComplaint[],
): MembershipDecision {
  const own = complaints.filter(isOwnError);
  const [{ memberId, complaint: about }] = [...own, ...complaints] as [MadeComplaint];
  const what = `${memberId} at step ${about.step}: ${about.error.message}`;
  const isLoss = ({ complaint }: MadeComplaint): boolean =>
    complaint.error.code === 'COLLECTIVE_PEER_LOST';
  const waitedMs = nowMs - (state.complaintSinceMs ?? nowMs);
  const isPatient = waitedMs < options.complaintGraceMs;
  const isQuick = own.length === 0 ? complaints.some(isLoss) : haveAllSpoken(state, complaints);
  if (waitedMs < (isQuick ? options.lostGraceMs : options.complaintGraceMs))
    return { kind: 'keep', reason: what };

  const living = new Set(complaints.map((made) => made.memberId));
  let toQuarantine =
    own.length > 0
      ? own.map((made) => made.memberId)
      : accusedBy(complaints.filter(isLoss)).filter((suspect) => !living.has(suspect));
  const isHopeless = complaints.some(
    ({ complaint }) => complaint.error.code === 'COLLECTIVE_UNAUTHENTICATED',
  );
  const [suspect] = accusedBy(complaints, newcomersOf(state.live));
  if (toQuarantine.length === 0 && suspect !== undefined) {
    const isKnown = state.onProbation.has(suspect);
    if (
      isKnown ||
      isHopeless ||
      isStuck(suspect, state) ||
      state.numAttempts >= options.patientAttempts
    )
      toQuarantine = [suspect];
  }
  const members = chosen.filter((member) => !toQuarantine.includes(member.memberId));
  if (members.length === chosen.length)
    return { kind: 'publish', members, reason: `trying again: ${what}` };
  if (members.length >= Math.max(1, options.minWorkers))
    return {
      kind: 'publish',
      members,
      reason: reasonWithout(toQuarantine, [...own, ...complaints]),
      toQuarantine,
    };
  // Too few would be left. The heartbeats will show whether the suspects are really dead.
  return isPatient
    ? { kind: 'keep', reason: what }
    : { kind: 'publish', members: chosen, reason: `trying again: ${what}` };
}

/** Names each member once, though errors name a lost one too, and the first to tell is who lost it by itself. */
function reasonWithout(
  toQuarantine: readonly string[],
  complaints: readonly MadeComplaint[],
): string {
  const losses = toQuarantine.map((id) => `lost member ${id}: `);
  const told = complaints.find(({ complaint: { error } }) =>
    losses.some((loss) => error.message.startsWith(loss)),
  );
  const { memberId, complaint } = (told ?? complaints[0]) as MadeComplaint;
  const { message } = complaint.error;
  // One that has left the view tells the others of whom it lost.
  const start = Math.max(
    0,
    ...losses.map((loss) => (message.includes(loss) ? message.lastIndexOf(loss) + loss.length : 0)),
  );
  const seen = toQuarantine.includes(memberId) ? '' : `seen by ${memberId} `;
  return `without ${toQuarantine.join(', ')}: ${message.slice(start)} (${seen}at step ${complaint.step})`;
}

/** The others have waited for it, and longer in vain than nearly every call to an engine takes. */
function isStuck(suspect: string, { live }: MembershipState): boolean {
  const callMs = live.find(({ memberId }) => memberId === suspect)?.engineCallMs ?? 0;
  return callMs >= stuckMs;
}

function haveAllSpoken({ view }: MembershipState, complaints: readonly MadeComplaint[]): boolean {
  return complaints.length === view?.members.length;
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
