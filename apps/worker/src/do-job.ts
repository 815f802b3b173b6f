import { setTimeout as sleep } from 'node:timers/promises';
import { toBerthError, type ErrorCode, type Job } from '@berth/contracts';
import type { DataThread } from './data.ts';
import type { Troubles } from './troubles.ts';

const doingOf = { dataset: 'making the dataset', examples: 'making examples' } as const;
/** What takes a person to mend is not tried again at once. */
const slowToPass: ReadonlySet<ErrorCode> = new Set(['STORE_FULL', 'DISK_FULL']);
const pauseMs = 5_000;
/** Afterwards it is being tried again, with what success nobody knows. */
const troubleMs = 60_000;

/** Does a job of the queue, and tells of one that will have to be tried again. */
export async function doJob(
  { data, troubles }: { readonly data: DataThread; readonly troubles: Troubles },
  job: Job,
  { signal, tell }: { readonly signal: AbortSignal; readonly tell: (progress: string) => void },
): Promise<unknown> {
  const doing = doingOf[job.kind];
  try {
    const result = await data.process(job, tell);
    troubles.done(doing);
    return result;
  } catch (error) {
    const { code, policy } = toBerthError(error);
    if (policy.retry) troubles.failed(doing, error, troubleMs);
    else troubles.done(doing);
    if (slowToPass.has(code)) await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
    throw error;
  }
}
