import type { WorkerReport } from '@berth/contracts';
import { memberTtlMs } from '@berth/protocol';
import { whyWithout } from './why-without.ts';

/** Workers of a run's view, as they were when last looked at. */
export interface Crew {
  readonly workers: ReadonlyMap<string, WorkerReport>;
}

/** A worker that the view no longer has, while it is not yet known what became of it. */
export interface Departure {
  readonly worker: WorkerReport;
  readonly sinceMs: number;
  /** Why the view is without it. */
  readonly viewReason: string;
}

export interface CrewChanges {
  readonly joined: readonly WorkerReport[];
  /** Went in order. */
  readonly left: readonly WorkerReport[];
  readonly lost: readonly WorkerReport[];
  /** To be given to the next call. */
  readonly departures: readonly Departure[];
}

/** A killed worker is out of the view at once, but its last heartbeat looks alive for as long as it may. */
const settleMs = memberTtlMs + 500;

/**
 * What became of those who are in the view no more: one that told of its end, or that beats on, has left. Which of the
 * two is known only after a while.
 * @param known - all members that are known to live now, by id
 * @param viewReason - why the view is what it is
 */
export function compareCrews(
  nowMs: number,
  { before, after }: { readonly before: Crew; readonly after: Crew },
  earlier: readonly Departure[],
  known: ReadonlyMap<string, WorkerReport>,
  viewReason: string,
): CrewChanges {
  const joined = [...after.workers.values()].filter(
    ({ memberId }) => !before.workers.has(memberId),
  );
  const gone = [...before.workers.values()].filter(({ memberId }) => !after.workers.has(memberId));
  const left: WorkerReport[] = [];
  const lost: WorkerReport[] = [];
  const departures: Departure[] = [];
  for (const departure of [
    ...earlier,
    ...gone.map((worker) => ({ worker, sinceMs: nowMs, viewReason })),
  ]) {
    const { worker, sinceMs } = departure;
    const now = known.get(worker.memberId);
    if (after.workers.has(worker.memberId)) continue;
    if ((now ?? worker).state === 'draining')
      left.push({ ...worker, ...now, reason: 'it ended in order' });
    else if (now === undefined || now.heartbeatAgeMs >= memberTtlMs)
      lost.push({
        ...worker,
        state: 'lost',
        rank: null,
        blocks: [],
        heartbeatAgeMs: now?.heartbeatAgeMs ?? worker.heartbeatAgeMs + nowMs - sinceMs,
        reason: whyWithout(worker.memberId, departure.viewReason),
      });
    else if (nowMs - sinceMs >= settleMs) left.push(now);
    else departures.push(departure);
  }
  return { joined, left, lost, departures };
}
