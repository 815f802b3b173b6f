import { isFinal, type RunRecord, type WorkerEnd } from '@berth/contracts';
import type { createRuns } from '@berth/queue';
import type { OwnRun } from './ending/own-run.ts';

/** What there is to do for a worker: a run to take part in, or to end. */
export interface Work {
  readonly record?: RunRecord;
  /** A run that this will be once its data is there. */
  readonly coming?: RunRecord;
  readonly end?: WorkerEnd;
}

export const nothing: Work = {};

/**
 * The active run, once it has data to train on. A run that was submitted anew has those of before until the new config
 * has taken effect: whoever opened it earlier would train on other data, or by other settings.
 * @param own - the one run that it may be
 */
export async function findWork(
  runs: Pick<ReturnType<typeof createRuns>, 'active' | 'read'>,
  own: OwnRun | undefined,
): Promise<Work> {
  const end = own?.look(await runs.read(own.runId));
  if (end !== undefined) return { end };
  const runId = await runs.active();
  if (runId === undefined || runId !== (own?.runId ?? runId)) return nothing;
  const record = await runs.read(runId);
  if (record === undefined || isFinal(record.status) || record.goal !== 'trained') return nothing;
  const isReady = record.manifestKey !== null && record.requests.submission === null;
  return isReady ? { record } : { coming: record };
}
