import { errorFromWire, type WireError } from '@berth/contracts';
import type { RunMemory, RunRules, RunSight } from './run-state.ts';
import { wireError } from './view-changes.ts';

/** The first complaint about the view in force. */
export function complaintOf({ view, live }: RunSight): WireError | undefined {
  const complaints = live.flatMap((member) => member.complaint ?? []);
  return complaints.find(({ viewVersion }) => viewVersion === view?.version)?.error;
}

/** Errors that no other view can cure end the run; so do too many attempts at one step. */
export function failureFrom(
  complaint: WireError,
  { attempts }: RunMemory,
  { maxAttemptsPerStep }: RunRules,
): WireError | undefined {
  if (!errorFromWire(complaint).policy.retry) return complaint;
  const { fromStep, count } = attempts;
  if (count < maxAttemptsPerStep) return undefined;
  const message = `Step ${fromStep} failed ${count} times; last: ${complaint.message}`;
  return wireError('RUN_FAILED', message);
}

/** Without a member, the run ends with the reason why one could not open it, if that will not pass. */
export function refusalToOpen({ runId, live }: RunSight): WireError | undefined {
  return live
    .filter((member) => member.runId === runId && member.state === 'syncing')
    .flatMap(({ complaint }) => complaint?.error ?? [])
    .find((error) => !errorFromWire(error).policy.retry);
}
