import { durationText } from '../lifecycle/texts.ts';
import type { MembershipState } from './membership-state.ts';
import { workerOf } from './worker-name.ts';

const firstMs = 1_000;
const longestMs = 600_000;
/** A quarantine is forgotten after that many steps in peace, if they took as long as it lasted: then its worker is worth it. */
const peaceSteps = 10;
/** Longest wait for a worker without which nobody trains. */
const neededMs = 5_000;

/** That a worker was left out of views, and until when. */
export interface Quarantine {
  /** In a row: each lasts twice as long as the one before. */
  readonly count: number;
  readonly sinceMs: number;
  readonly untilMs: number;
  /** What it has sat through since. */
  readonly peace: Peace;
}

/** Steps that were committed one after the other, and how long they took. */
export interface Peace {
  readonly numSteps: number;
  readonly durationMs: number;
}

const noPeace: Peace = { numSteps: 0, durationMs: 0 };

/**
 * Workers left out of views although they may live, by name, so that a process started anew inherits it: with one that
 * dies, errs or cannot be reached again and again no step ends, and taking it in again interrupts a step.
 */
export type Quarantines = ReadonlyMap<string, Quarantine>;

/** Leaves workers out, or out for longer. */
export function quarantineWorkers(
  before: Quarantines,
  memberIds: readonly string[],
  nowMs: number,
): Quarantines {
  const after = new Map(before);
  for (const worker of new Set(memberIds.map(workerOf))) {
    const count = (after.get(worker)?.count ?? 0) + 1;
    const lengthMs = Math.min(longestMs, firstMs * 2 ** (count - 1));
    after.set(worker, { count, sinceMs: nowMs, untilMs: nowMs + lengthMs, peace: noPeace });
  }
  return after;
}

/** Members sat in a view that committed steps meanwhile; mere time proves nothing of them. */
export function forgive(
  before: Quarantines,
  memberIds: readonly string[],
  { numSteps, durationMs }: Peace,
): Quarantines {
  const after = new Map(before);
  for (const worker of memberIds.map(workerOf)) {
    const quarantine = after.get(worker);
    if (quarantine === undefined) continue;
    const { peace: sat, sinceMs, untilMs } = quarantine;
    const peace = {
      numSteps: sat.numSteps + numSteps,
      durationMs: sat.durationMs + durationMs,
    };
    if (peace.numSteps >= peaceSteps && peace.durationMs >= untilMs - sinceMs) after.delete(worker);
    else after.set(worker, { ...quarantine, peace });
  }
  return after;
}

/** Who has come to a run, and who sits in its view. */
export type RunMembers = Pick<MembershipState, 'runId' | 'live' | 'view'>;

/** Members of the view whose worker has a quarantine that is not forgotten. */
export function onProbation(
  quarantines: Quarantines,
  view: RunMembers['view'],
): ReadonlySet<string> {
  const inView = view?.members ?? [];
  return new Set(
    inView.flatMap(({ memberId }) => (quarantines.has(workerOf(memberId)) ? memberId : [])),
  );
}

export interface LeftOut {
  /** Member ids that are not to be in a view now. */
  readonly quarantined: ReadonlySet<string>;
  /** Who they are and until when, as the end of a reason; '' when there are none. */
  readonly text: string;
}

/**
 * Who is not to be in a view now; whoever is in one, stays. A member whose engine is still at a call from before its
 * quarantine has not shown that it can do anything, however long ago that was. When fewer than are needed would be left,
 * others come back early, those first that were left out the fewest times.
 */
export function leftOutAt(
  nowMs: number,
  quarantines: Quarantines,
  { runId, live, view }: RunMembers,
  numNeeded: number,
): LeftOut {
  const inView = new Set(view?.members.map(({ memberId }) => memberId));
  const ready = live.filter(
    ({ runId: opened, state }) => opened === runId && (state === 'idle' || state === 'training'),
  );
  const waiting = ready.flatMap(({ memberId, engineCallMs = 0 }) => {
    const quarantine = quarantines.get(workerOf(memberId));
    if (quarantine === undefined || inView.has(memberId)) return [];
    const { count, sinceMs, untilMs } = quarantine;
    const isStuck = engineCallMs > nowMs - sinceMs;
    return isStuck || nowMs < untilMs ? [{ memberId, isStuck, count, sinceMs, untilMs }] : [];
  });
  const numLacking = numNeeded - (ready.length - waiting.length);
  const needed = waiting
    .filter(({ isStuck, sinceMs }) => !isStuck && nowMs >= sinceMs + neededMs)
    .sort((a, b) => a.count - b.count)
    .slice(0, Math.max(0, numLacking));
  const out = waiting.filter((member) => !needed.includes(member));
  const texts = [
    ...needed.map(({ memberId }) => `${memberId} is tried again early, as too few are left`),
    ...out.map(({ memberId, isStuck, untilMs }) =>
      isStuck
        ? `${memberId} is left out until its engine answers`
        : `${memberId} is left out for ${durationText(untilMs - nowMs)}`,
    ),
  ];
  return {
    quarantined: new Set(out.map(({ memberId }) => memberId)),
    text: texts.map((text) => `; ${text}`).join(''),
  };
}
