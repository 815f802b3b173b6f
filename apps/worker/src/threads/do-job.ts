import { setTimeout as sleep } from 'node:timers/promises';
import { BerthError, toBerthError, type ErrorCode, type Job } from '@berth/contracts';
import type { DataThread } from './data.ts';
import { noteProgress, type NotePorts } from './note-progress.ts';
import type { Troubles } from '../session/troubles.ts';

/** What takes a person to mend is not tried again at once. */
const slowToPass: ReadonlySet<ErrorCode> = new Set(['STORE_FULL', 'DISK_FULL']);
const pauseMs = 5_000;
/** Afterwards it is being tried again, with what success nobody knows. */
const troubleMs = 60_000;

/** How often is looked whether the run still wants its data. */
const pollMs = 1_000;

export interface JobPorts extends NotePorts {
  readonly data: Pick<DataThread, 'process'>;
  readonly troubles: Pick<Troubles, 'failed' | 'done'>;
  /** Whether a run is over, so that nobody wants its data; false while that cannot be known. */
  readonly hasEnded: (runId: string) => Promise<boolean>;
}

export interface DoJobOptions {
  /** Told how far the job is, for people. */
  readonly tell: (progress: string) => void;
  /** Ends the job at once when it aborts, wherever it is. */
  readonly signal: AbortSignal;
}

/**
 * Does a job of the queue, and tells of one that will have to be tried again. Data of a run that ends meanwhile is given up.
 * @throws BerthError `RUN_STATE_CONFLICT` when its run has ended, `DATA_NOT_HERE` where others may see a corpus that this machine
 * does not, and what the job fails with
 */
export async function doJob(
  ports: JobPorts,
  job: Job,
  { signal, tell }: DoJobOptions,
): Promise<unknown> {
  const { data, troubles, hasEnded } = ports;
  const doing = job.kind === 'examples' ? 'making examples' : 'making the dataset';
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
  const noting = noteProgress(ports, job, tell);
  try {
    const result = await data.process(job, {
      tell: noting.tell,
      signal: AbortSignal.any([signal, ended.signal]),
    });
    troubles.done(doing);
    await noting.done();
    return result;
  } catch (error) {
    const { code, policy } = toBerthError(error);
    if (policy.retry) troubles.failed(doing, error, troubleMs);
    else troubles.done(doing);
    if (slowToPass.has(code)) await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
    throw await noting.failed(error);
  } finally {
    done.abort();
    await watching;
  }
}
