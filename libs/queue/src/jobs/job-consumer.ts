import { setTimeout as sleep } from 'node:timers/promises';
import { BerthError, errorToWire, silentLogger, type Job, type Logger } from '@berth/contracts';
import { Worker, type Job as QueuedJob } from 'bullmq';
import type { Redis } from 'ioredis';
import { connectRedis } from '../connection/connection.ts';
import { announceConsumer, type ConsumerPresence } from './consumer-presence.ts';
import { maxNumStalls, toJobFailure } from './job-outcome.ts';
import { dataJobs, jobQueuePrefix, openQueue, type QueueKind } from './job-queue.ts';

export interface JobConsumerOptions<T> {
  /**
   * Does the work. A job may be given out more than once, also while an earlier attempt still runs, so equal jobs must
   * leave equal results. `signal` aborts when the job is lost to another consumer. `tell` says how far it is, for people.
   */
  readonly process: (
    job: T,
    signal: AbortSignal,
    tell: (progress: string) => void,
  ) => Promise<unknown>;
  /** Jobs at a time. @defaultValue 1 */
  readonly concurrency?: number;
  /**
   * A job whose consumer is there but silent this long is given to another, that of a process that has died within four seconds.
   * @defaultValue 10_000: a busy machine keeps a process from its clock for seconds
   */
  readonly lockDurationMs?: number;
  /** How often a consumer with nothing to do checks that nothing waits. @defaultValue 5_000 */
  readonly watchdogMs?: number;
  readonly logger?: Logger;
}

/** Takes jobs from the queue until it is closed. */
export interface JobConsumer {
  /** Leaves the next jobs to others for a while. */
  rest(durationMs: number): void;
  /** Takes no more jobs, waits for the running ones up to a limit, then aborts them and leaves them to others. */
  close(options?: { readonly timeoutMs?: number }): Promise<void>;
}

/** Takes the jobs that make data. @throws BerthError `QUEUE_UNREACHABLE` */
export function createJobConsumer(
  url: string,
  options: JobConsumerOptions<Job>,
): Promise<JobConsumer> {
  return consume(dataJobs, url, options);
}

/** Takes what waits in a queue. @throws BerthError `QUEUE_UNREACHABLE` */
export async function consume<T>(
  kind: QueueKind<T>,
  url: string,
  options: JobConsumerOptions<T>,
): Promise<JobConsumer> {
  const { logger = silentLogger, watchdogMs = 5_000 } = options;
  const connection = await connectRedis(url, { role: 'worker', logger });
  const queue = openQueue(connection.client, kind);
  const activity: Activity = { numStarted: 0, numRunning: 0 };
  const closing = new AbortController();
  const presence = announceConsumer(connection, (name) => queue.toKey(name));
  const start = (): Worker =>
    startWorker(connection.client, kind, { ...options, name: presence.name }, activity);
  let worker = start();

  // After some reconnects a BullMQ worker lives but fetches nothing (taskforcesh/bullmq#4585 and kin).
  let mark: number | undefined;
  const watch = async (): Promise<void> => {
    const { waiting = 0, prioritized = 0 } = await queue.getJobCounts('waiting', 'prioritized');
    const before = mark;
    mark = idleMark(activity, waiting + prioritized);
    if (mark === undefined || mark !== before || closing.signal.aborted) return;
    logger.warn('The job worker is idle while jobs wait; starting it anew', { waiting });
    const stuck = worker;
    worker = start();
    mark = undefined;
    await stuck.close(true);
  };
  const again = { signal: closing.signal, logger };
  const watching = doEvery(watchdogMs, watch, {
    ...again,
    complaint: 'Whether jobs wait while this worker is idle cannot be seen',
  });
  const looking = doEvery(lookMs, () => presence.look(), {
    ...again,
    complaint: 'Jobs of workers that die come back later than they could',
  });

  return {
    rest(durationMs) {
      const resting = worker;
      void resting.pause(true);
      void pause(durationMs, closing.signal).then((isOver) =>
        isOver ? resting.resume() : undefined,
      );
    },
    async close({ timeoutMs = 10_000 } = {}) {
      closing.abort();
      const timer = new AbortController();
      const closed = worker.close().then(() => timer.abort());
      if (await pause(timeoutMs, timer.signal)) {
        worker.cancelAllJobs('the consumer closes');
        await worker.disconnect();
      } else await closed;
      presence.close();
      connection.close();
      await Promise.all([watching, looking]);
    },
  };
}

/** Between two looks for consumers that have died. */
const lookMs = 1_000;
/** Well within what a lock is shortened to when its consumer seems to have gone. */
const lockRenewMs = 1_000;

interface Activity {
  numStarted: number;
  numRunning: number;
}

/**
 * Marks a consumer that does nothing while jobs wait: the number of jobs it had started by then, else undefined.
 * The same mark twice in a row means that it is stuck.
 */
export function idleMark(
  { numStarted, numRunning }: Readonly<Activity>,
  numWaiting: number,
): number | undefined {
  return numRunning === 0 && numWaiting > 0 ? numStarted : undefined;
}

function startWorker<T>(
  client: Redis,
  kind: QueueKind<T>,
  options: JobConsumerOptions<T> & Pick<ConsumerPresence, 'name'>,
  activity: Activity,
): Worker {
  const { name, concurrency = 1, lockDurationMs = 10_000, logger = silentLogger } = options;
  // All three parameters: BullMQ makes a signal only for a function that has them.
  const processJob = async (
    job: QueuedJob,
    _token?: string,
    signal?: AbortSignal,
  ): Promise<unknown> => {
    activity.numStarted++;
    activity.numRunning++;
    // Who cannot be told now is told later.
    const tell = (progress: string): void => void job.updateProgress(progress).catch(() => {});
    try {
      return await options.process(
        parseJob(kind, job),
        signal ?? new AbortController().signal,
        tell,
      );
    } catch (error) {
      throw toJobFailure(error);
    } finally {
      activity.numRunning--;
    }
  };
  const worker = new Worker(kind.name, processJob, {
    connection: client,
    prefix: jobQueuePrefix,
    name,
    concurrency,
    lockDuration: lockDurationMs,
    lockRenewTime: Math.min(lockRenewMs, lockDurationMs / 2),
    stalledInterval: 1_000,
    // A crash is not the job's fault, until it happens again and again.
    maxStalledCount: maxNumStalls,
    runRetryDelay: 300,
  });
  worker.on('lockRenewalFailed', (jobIds) => {
    for (const jobId of jobIds) worker.cancelJob(jobId, 'the job was given to another consumer');
  });
  // After an outage BullMQ may report a missing lock for a job that has completed: the effects of jobs are idempotent.
  // An outage itself is reported by the connection, once; BullMQ tells of every try to reconnect.
  worker.on('error', (error) => {
    if (client.status === 'ready')
      logger.warn('The job worker met an error', { error: error.message });
    else logger.debug('The job worker met an error', { error: error.message });
  });
  return worker;
}

/**
 * Strict, as nothing else is that another release may have written: what this one does not know of a job may decide what is to be made.
 * @throws BerthError `QUEUE_JOB_UNREADABLE`, so that the job goes back to the queue, where a worker of that release finds it
 */
function parseJob<T>({ schema }: QueueKind<T>, { id, data }: QueuedJob): T {
  const parsed = schema.safeParse(data);
  if (parsed.success) return parsed.data;
  throw new BerthError(
    'QUEUE_JOB_UNREADABLE',
    `job ${id ?? '?'} is of another release of berth, whose workers can do it: ${parsed.error.message}`,
  );
}

/** Does something again and again until the signal. Of failures in a row the first is told. */
async function doEvery(
  intervalMs: number,
  act: () => Promise<void>,
  {
    signal,
    logger,
    complaint,
  }: { readonly signal: AbortSignal; readonly logger: Logger; readonly complaint: string },
): Promise<void> {
  let isTold = false;
  while (await pause(intervalMs, signal))
    try {
      await act();
      isTold = false;
    } catch (error) {
      if (!isTold && !signal.aborted) logger.warn(complaint, { error: errorToWire(error) });
      isTold = true;
    }
}

/** True after the whole pause, false when the signal cut it short. */
function pause(durationMs: number, signal: AbortSignal): Promise<boolean> {
  return sleep(durationMs, true, { signal }).catch(() => false);
}
