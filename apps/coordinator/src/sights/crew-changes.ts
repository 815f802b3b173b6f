import type { WorkerReport } from '@berth/contracts';
import { memberTtlMs } from './worker-reports.ts';

/** Workers of a run's view, as they were when last looked at. */
export interface Crew {
  readonly workers: ReadonlyMap<string, WorkerReport>;
}

export interface CrewChanges {
  readonly joined: readonly WorkerReport[];
  /** Went in order. */
  readonly left: readonly WorkerReport[];
  readonly lost: readonly WorkerReport[];
}

/**
 * What became of those who are in the view no more: one that told of its end, or that lives on, has left.
 * @param known - all members that are known to live now, by id
 * @param viewReason - why the view is what it is
 */
export function compareCrews(
  before: Crew,
  after: Crew,
  known: ReadonlyMap<string, WorkerReport>,
  viewReason: string,
): CrewChanges {
  const joined = [...after.workers.values()].filter(
    ({ memberId }) => !before.workers.has(memberId),
  );
  const left: WorkerReport[] = [];
  const lost: WorkerReport[] = [];
  for (const worker of before.workers.values()) {
    if (after.workers.has(worker.memberId)) continue;
    const now = known.get(worker.memberId);
    if (now !== undefined && now.heartbeatAgeMs < memberTtlMs) left.push(now);
    else if (worker.state === 'draining') left.push({ ...worker, reason: 'it ended in order' });
    else lost.push({ ...worker, state: 'lost', rank: null, blocks: [], reason: viewReason });
  }
  return { joined, left, lost };
}
