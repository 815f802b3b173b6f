import type { View, WireError } from '@berth/contracts';
import { noteSeen } from './absent.ts';
import { viewName } from './member-state.ts';
import type { RunMemory, RunSight } from './run-state.ts';

/** From a checkpoint that failed because the store was away to the next try. */
const saveAgainMs = 15_000;

/** What is known after another look. */
export function remember(
  nowMs: number,
  before: RunMemory,
  { runId, view, live }: RunSight,
  complaint: WireError | undefined,
): RunMemory {
  const complaintSinceMs = complaint === undefined ? undefined : (before.complaintSinceMs ?? nowMs);
  const attempts = countAttempts(before, view, complaint);
  const lastSeen = noteSeen(before.lastSeen, live, runId, nowMs);
  // Training does not stand still for a store that is away.
  const isStoreAway = view?.mode === 'save' && complaint?.code === 'STORE_UNREACHABLE';
  const saveNotBeforeMs = isStoreAway ? nowMs + saveAgainMs : before.saveNotBeforeMs;
  return { ...before, complaintSinceMs, attempts, lastSeen, saveNotBeforeMs };
}

function countAttempts(
  { attempts }: RunMemory,
  view: View | undefined,
  complaint: WireError | undefined,
): RunMemory['attempts'] {
  if (view === undefined) return attempts;
  const name = viewName(view);
  const { fromStep } = view;
  // An outage lasts as long as it lasts.
  if (complaint?.code === 'STORE_UNREACHABLE' || complaint?.code === 'QUEUE_UNREACHABLE')
    return { view: name, fromStep, count: 0 };
  if (name === attempts.view) return attempts;
  return { view: name, fromStep, count: fromStep === attempts.fromStep ? attempts.count + 1 : 1 };
}
