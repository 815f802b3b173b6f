import { BerthError, jobStates, type JobReport, type QueueReport } from '@berth/contracts';
import type { Job as QueuedJob } from 'bullmq';
import type { RedisConnection } from '../connection/connection.ts';
import { dataJobs, jobQueueName, openQueue } from './job-queue.ts';

type JobState = JobReport['state'];

/** What people may see and do of the job queue. */
export interface JobBoard {
  report(): Promise<QueueReport[]>;
  /** Newest first. @throws BerthError `QUEUE_JOB_NOT_FOUND` when there is no such queue */
  failed(queue: string, limit: number): Promise<JobReport[]>;
  /**
   * Runs a failed job again, with all its attempts; one in another state stays as it is.
   * @throws BerthError `QUEUE_JOB_NOT_FOUND`
   */
  retry(queue: string, jobId: string): Promise<JobReport>;
  close(): Promise<void>;
}

const rateSpanMs = 60_000;
/** How many of those that wait are looked at for the oldest: a queue of priorities has no order of age. */
const numOldest = 32;

/** The job queue, on a connection that the caller closes. */
export function createJobBoard(connection: RedisConnection): JobBoard {
  const queue = openQueue(connection.client, dataJobs);
  const notFound = (what: string): BerthError =>
    new BerthError('QUEUE_JOB_NOT_FOUND', `There is no ${what}`);
  const checkName = (name: string): void => {
    if (name !== jobQueueName) throw notFound(`queue ${name}; the queue is ${jobQueueName}`);
  };

  return {
    async report() {
      const nowMs = Date.now();
      const [counts, numWorkers, waiting, numPerMinute] = await connection.call((client) =>
        Promise.all([
          queue.getJobCounts(...jobStates, 'prioritized'),
          queue.getWorkersCount(),
          queue.getJobs(['waiting', 'prioritized'], 0, numOldest - 1, true),
          client.zcount(queue.toKey('completed'), nowMs - rateSpanMs, '+inf'),
        ]),
      );
      const of = (state: string): number => counts[state] ?? 0;
      const created = waiting.filter((job) => job !== undefined).map(({ timestamp }) => timestamp);
      return [
        {
          name: jobQueueName,
          counts: {
            waiting: of('waiting') + of('prioritized'),
            active: of('active'),
            delayed: of('delayed'),
            failed: of('failed'),
            completed: of('completed'),
          },
          numWorkers,
          oldestWaitMs: created.length === 0 ? null : Math.max(0, nowMs - Math.min(...created)),
          numPerMinute,
        },
      ];
    },

    async failed(name, limit) {
      checkName(name);
      const jobs = await connection.call(() => queue.getFailed(0, limit - 1));
      return jobs.filter((job) => job !== undefined).map((job) => reportOf(job, 'failed'));
    },

    async retry(name, jobId) {
      checkName(name);
      const job = await connection.call(() => queue.getJob(jobId));
      if (job === undefined) throw notFound(`job ${jobId} in queue ${name}`);
      if ((await stateOf(connection, job)) === 'failed')
        await job.retry('failed', { resetAttemptsMade: true }).catch(async (error: unknown) => {
          // Someone else was quicker.
          if ((await stateOf(connection, job)) === 'failed')
            await connection.call(() => Promise.reject(error as Error));
        });
      const after = await connection.call(() => queue.getJob(jobId));
      if (after === undefined) throw notFound(`job ${jobId} in queue ${name} any more`);
      return reportOf(after, await stateOf(connection, after));
    },

    close: () => queue.close(),
  };
}

async function stateOf(connection: RedisConnection, job: QueuedJob): Promise<JobState> {
  const state = await connection.call(() => job.getState());
  return jobStates.find((known) => known === state) ?? 'waiting';
}

function reportOf(job: QueuedJob, state: JobState): JobReport {
  return {
    id: job.id ?? '',
    queue: job.queueName,
    state,
    data: job.data as Record<string, unknown>,
    numAttempts: job.attemptsMade,
    createdAtMs: job.timestamp,
    finishedAtMs: job.finishedOn ?? null,
    failedReason: job.failedReason ?? null,
    stack: (job.stacktrace ?? []).slice(-3),
  };
}
