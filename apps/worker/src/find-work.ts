import { isFinal, type RunRecord } from '@berth/contracts';
import type { createRuns } from '@berth/queue';
import { exitCodeAfter } from './exit-code.ts';

/** What there is to do for a worker: a run to take part in, or to end. */
export interface Work {
  readonly record?: RunRecord;
  readonly exitCode?: number;
}

export const nothing: Work = {};

/**
 * The active run, once it has data to train on. A run that was submitted anew has those of before until the new config
 * has taken effect: whoever opened it earlier would train on other data, or by other settings.
 * @param only - the one run that it may be
 */
export async function findWork(
  runs: Pick<ReturnType<typeof createRuns>, 'active' | 'read'>,
  only: string | undefined,
): Promise<Work> {
  const own = only === undefined ? undefined : await runs.read(only);
  const exitCode = own && exitCodeAfter(own.status);
  if (exitCode !== undefined) return { exitCode };
  const runId = await runs.active();
  if (runId === undefined || runId !== (only ?? runId)) return nothing;
  const record = await runs.read(runId);
  const isReady =
    record !== undefined &&
    !isFinal(record.status) &&
    record.goal === 'trained' &&
    record.manifestKey !== null &&
    record.requests.submission === null;
  return isReady ? { record } : nothing;
}
