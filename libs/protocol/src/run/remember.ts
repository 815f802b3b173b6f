import type { View } from '@berth/contracts';
import { noteSeen, type LastSeen } from './absent.ts';
import type { MadeComplaint } from './complaints.ts';
import { quarantineWorkers, forgive } from './quarantine.ts';
import { viewName } from '../ledger/view-id.ts';
import type { Attempts, RunMemory, RunSnapshot } from './run-state.ts';
import { workersOf } from './worker-name.ts';

/** What is known after another look. */
export function remember(
  nowMs: number,
  before: RunMemory,
  snapshot: RunSnapshot,
  complaints: readonly MadeComplaint[],
): RunMemory {
  const { runId, view, live } = snapshot;
  const isAbout = (code: string): boolean =>
    complaints.some(({ complaint }) => complaint.error.code === code);
  const complaintSinceMs = complaints.length === 0 ? undefined : (before.complaintSinceMs ?? nowMs);
  // An outage lasts as long as it lasts.
  const isStoreOut = isAbout('STORE_UNREACHABLE') || isAbout('STORE_FULL');
  const isOutage = isStoreOut || isAbout('QUEUE_UNREACHABLE');
  const attempts =
    view === undefined ? before.attempts : countAttempts(before.attempts, view, isOutage);
  return {
    ...before,
    complaintSinceMs,
    attempts,
    ...quarantinesAfter(nowMs, before, snapshot),
    lastSeen: noteSeen(before.lastSeen, live, runId, nowMs),
    polledMs: nowMs,
    seen: { numCommitted: snapshot.numCommitted, view },
  };
}

function countAttempts(before: Attempts, view: View, isOutage: boolean): Attempts {
  const name = viewName(view);
  const { fromStep } = view;
  const workers = workersOf(view.members);
  if (isOutage) return { view: name, fromStep, workers, counts: new Map(), count: 0 };
  if (name === before.view) return before;
  const counts = new Map(fromStep === before.fromStep ? before.counts : []);
  const count = (counts.get(workers) ?? 0) + 1;
  return { view: name, fromStep, workers, counts: counts.set(workers, count), count };
}

/** Who died in the view in force is left out for a while; whoever makes steps in it is forgiven. */
function quarantinesAfter(
  nowMs: number,
  before: RunMemory,
  { view, live, numCommitted }: RunSnapshot,
): Pick<RunMemory, 'quarantines' | 'peace'> {
  const { quarantines, peace, lastSeen, polledMs } = before;
  if (view === undefined) return { quarantines, peace };
  const members = view.members.map(({ memberId }) => memberId);
  const alive = new Set(live.map(({ memberId }) => memberId));
  const died = members.filter((id) => !alive.has(id) && wasSeen(lastSeen, id, polledMs));
  const name = viewName(view);
  const now = { view: name, nowMs, numCommitted };
  if (peace.view !== name)
    return { quarantines: quarantineWorkers(quarantines, died, nowMs), peace: now };
  if (numCommitted <= peace.numCommitted)
    return { quarantines: quarantineWorkers(quarantines, died, nowMs), peace };
  const forgiven = forgive(quarantines, members, {
    numSteps: numCommitted - peace.numCommitted,
    durationMs: nowMs - peace.nowMs,
  });
  return { quarantines: quarantineWorkers(forgiven, died, nowMs), peace: now };
}

function wasSeen(lastSeen: LastSeen, memberId: string, polledMs: number): boolean {
  return lastSeen.get(memberId) === polledMs;
}
