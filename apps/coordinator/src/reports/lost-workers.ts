import type { RunEvent, WorkerReport } from '@berth/contracts';
import { describeWorkers } from './worker-reports.ts';

const maxLost = 64;

/** The workers that a run has lost and that have not come back, the newest ones, as they were when last heard. */
export function lostWorkers(nowMs: number, events: readonly RunEvent[]): WorkerReport[] {
  const lost = new Map<string, RunEvent>();
  for (const event of events) {
    const { kind, memberId } = event;
    if (memberId === undefined) continue;
    lost.delete(memberId);
    if (kind === 'lost') lost.set(memberId, event);
  }
  return [...lost.values()].slice(-maxLost).flatMap(({ memberId, lastHeard, text }) => {
    if (lastHeard === undefined) return [];
    const { info, timeMs } = lastHeard;
    const members = [{ info, ageMs: nowMs - timeMs }];
    return describeWorkers({ members, view: undefined, numCommitted: 0 }).map((worker) => ({
      ...worker,
      state: 'lost' as const,
      reason: text.replace(`${memberId} lost: `, ''),
      lastSeenAtMs: timeMs,
    }));
  });
}
