import { setTimeout as sleep } from 'node:timers/promises';
import { BerthError, toBerthError, type ErrorCode, type Job } from '@berth/contracts';
import type { DataThread, JobOptions } from './data.ts';
import type { Troubles } from '../session/troubles.ts';

const doingOf = {
  dataset: 'making the dataset',
  labelledDataset: 'making the dataset',
  examples: 'making examples',
} as const satisfies Record<Job['kind'], string>;
/** What takes a person to mend is not tried again at once. */
const slowToPass: ReadonlySet<ErrorCode> = new Set(['STORE_FULL', 'DISK_FULL']);
const pauseMs = 5_000;
/** Afterwards it is being tried again, with what success nobody knows. */
const troubleMs = 60_000;

/** How often is looked whether the run still wants its data. */
const pollMs = 1_000;

export interface JobPorts {
  readonly data: Pick<DataThread, 'process'>;
  readonly troubles: Pick<Troubles, 'failed' | 'done'>;
  /** Whether a run is over, so that nobody wants its data; false while that cannot be known. */
  readonly hasEnded: (runId: string) => Promise<boolean>;
}

/**
 * Does a job of the queue, and tells of one that will have to be tried again. A dataset of a run that ends meanwhile is given up.
 * @throws BerthError `RUN_STATE_CONFLICT` when its run has ended, and what the job fails with
 */
export async function doJob(
  { data, troubles, hasEnded }: JobPorts,
  job: Job,
  { signal, tell }: JobOptions,
): Promise<unknown> {
  const doing = doingOf[job.kind];
  const [ended, done] = [new AbortController(), new AbortController()];
  const poll = async (): Promise<void> => {
    if (job.kind === 'examples' || !(await hasEnded(job.runId))) return;
    const message = `Run "${job.runId}" has ended: its dataset is not made`;
    ended.abort(new BerthError('RUN_STATE_CONFLICT', message));
  };
  const polling = async (): Promise<void> => {
    while (!done.signal.aborted && !ended.signal.aborted) {
      await sleep(pollMs, undefined, { signal: done.signal }).catch(() => undefined);
      await poll();
    }
  };
  await poll();
  const watching = polling();
  try {
    const result = await data.process(job, {
      tell,
      signal: AbortSignal.any([signal, ended.signal]),
    });
    troubles.done(doing);
    return result;
  } catch (error) {
    const { code, policy } = toBerthError(error);
    if (policy.retry) troubles.failed(doing, error, troubleMs);
    else troubles.done(doing);
    if (slowToPass.has(code)) await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
    throw error;
  } finally {
    done.abort();
    await watching;
  }
}
