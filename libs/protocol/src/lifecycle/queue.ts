import { isFinal, type RunRecord } from '@berth/contracts';

/** What a cluster that somebody started for one run, or one grid, works on: that one, and whatever is asked for after its start. */
export interface Scope {
  /** Or the name of the grid. */
  readonly runId: string;
  readonly sinceMs: number;
}

/** Whether a cluster takes a run up; one without a scope takes up all. */
export function isInScope(run: RunRecord, scope: Scope | undefined): boolean {
  if (scope === undefined || [run.runId, run.grid?.name].includes(scope.runId)) return true;
  return Math.max(askedAtMs(run), run.requests.submission?.askedAtMs ?? 0) >= scope.sinceMs;
}

/** Runs that are to be done, in their order: those asked for first come first, those of a grid by their numbers. */
export function queueOf(runs: readonly RunRecord[], scope?: Scope): RunRecord[] {
  return runs
    .filter((run) => !isFinal(run.status) && isInScope(run, scope))
    .sort(
      (a, b) =>
        askedAtMs(a) - askedAtMs(b) ||
        (a.grid?.point ?? 0) - (b.grid?.point ?? 0) ||
        (a.runId < b.runId ? -1 : 1),
    );
}

function askedAtMs({ attempts, createdAtMs }: RunRecord): number {
  return attempts.at(-1)?.startedAtMs ?? createdAtMs;
}

/** Which run a queued one waits for and where it stands in the queue; undefined when it is its turn. */
export function reasonToWait(
  { runId }: Pick<RunRecord, 'runId'>,
  runs: readonly RunRecord[],
  activeId: string | undefined,
): string | undefined {
  const active = runs.find((run) => run.runId === activeId && !isFinal(run.status));
  if (active === undefined || active.runId === runId) return undefined;
  const waiting = queueOf(runs).filter((run) => run.runId !== active.runId);
  const place = waiting.findIndex((run) => run.runId === runId) + 1;
  if (place === 0) return undefined;
  const ahead = waiting[place - 2];
  const after = ahead === undefined ? '' : `, after ${ahead.runId}`;
  return `waiting for ${active.runId}, which is ${active.status}; number ${place} in the queue${after}`;
}
