import { isFinal, type RunRecord } from '@berth/contracts';

/** Runs that are to be done, in their order: those asked for first come first. */
export function queueOf(runs: readonly RunRecord[]): RunRecord[] {
  return runs
    .filter(({ status }) => !isFinal(status))
    .sort((a, b) => askedAtMs(a) - askedAtMs(b) || (a.runId < b.runId ? -1 : 1));
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
