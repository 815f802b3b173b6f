import { setTimeout as sleep } from 'node:timers/promises';
import { BerthError, type Job, type JobFlow, type Logger } from '@berth/contracts';
import { connectRedis } from '../connection/connection.ts';
import { childIsGone, createJobFlows, failedChildOf, jobIdOf } from './job-flow.ts';
import { fromJobFailure } from './job-outcome.ts';
import { dataJobs, openQueue } from './job-queue.ts';

export interface EnqueueOptions {
  /** 1 runs first; 0 before all of them. @defaultValue 0 */
  readonly priority?: number;
  /** Run it again when it has completed before: its result is known to be lost. @defaultValue false */
  readonly again?: boolean;
}

export interface JobCounts {
  readonly waiting: number;
  readonly active: number;
  readonly delayed: number;
  readonly completed: number;
  readonly failed: number;
}

/** Puts jobs into the queue and collects their results. */
export interface JobProducer {
  /**
   * Adds a job. The same job has the same id: one that waits or runs is left alone, one that failed starts over.
   * @returns the job's id
   */
  enqueue(job: Job, options?: EnqueueOptions): Promise<string>;
  /**
   * Adds a job with those that must be done before it, all or nothing. A flow that is under way or completed is left alone, one that
   * has failed starts over. If one of its jobs fails, so does the last, with the same error.
   * @param options.again - one that has completed starts over too. @defaultValue false
   * @returns the id of the last job
   */
  enqueueFlow(flow: JobFlow, options?: Pick<EnqueueOptions, 'again'>): Promise<string>;
  /** Takes away what of a flow is neither done nor running. */
  dropFlow(jobId: string): Promise<void>;
  /**
   * Waits until a job has completed, and returns what its consumer returned.
   * @throws the BerthError it failed with; `WORKER_TIMEOUT` when it takes longer; `QUEUE_UNREACHABLE` when Redis is
   * away or has lost the job: enqueue it again
   */
  waitForJob(jobId: string, options: { readonly timeoutMs: number }): Promise<unknown>;
  /**
   * What the consumer of a job last said of it, for people: '' while it has said nothing. Undefined while no consumer has
   * the job.
   */
  progressOf(jobId: string): Promise<string | undefined>;
  counts(): Promise<JobCounts>;
  close(): Promise<void>;
}

const pollMs = 50;

/** @throws BerthError `QUEUE_UNREACHABLE` */
export async function createJobProducer(
  url: string,
  options: { readonly logger?: Logger } = {},
): Promise<JobProducer> {
  const connection = await connectRedis(url, { ...options, role: 'producer' });
  const queue = openQueue(connection.client, dataJobs);
  const flows = createJobFlows(connection, queue);
  const find = (jobId: string): ReturnType<typeof queue.getJob> =>
    connection.call(() => queue.getJob(jobId));

  const failureOf = async (jobId: string, failedReason: string): Promise<BerthError> => {
    const childId = failedChildOf(failedReason);
    if (childId === undefined) return fromJobFailure(jobId, failedReason);
    const child = await find(childId);
    return child === undefined
      ? childIsGone(childId)
      : failureOf(childId, child.failedReason ?? '');
  };

  return {
    enqueueFlow: flows.add,
    dropFlow: flows.drop,
    async enqueue(job, { priority = 0, again = false } = {}) {
      const jobId = jobIdOf(job);
      const known = await find(jobId);
      const finished =
        known === undefined ? undefined : await connection.call(() => known.getState());
      if (known !== undefined && (finished === 'failed' || (finished === 'completed' && again)))
        await connection.call(() => known.retry(finished, { resetAttemptsMade: true }));
      else await connection.call(() => queue.add(job.kind, job, { jobId, priority }));
      return jobId;
    },

    async waitForJob(jobId, { timeoutMs }) {
      const deadlineMs = performance.now() + timeoutMs;
      for (;;) {
        const job = await find(jobId);
        if (job === undefined)
          throw new BerthError(
            'QUEUE_UNREACHABLE',
            `Redis at ${connection.where} no longer holds job ${jobId}; enqueue it again`,
            { details: { jobId } },
          );
        const state = await connection.call(() => job.getState());
        // What was read before the state may be older than it: read once more.
        const settled = state === 'completed' || state === 'failed' ? await find(jobId) : undefined;
        if (settled !== undefined && state === 'completed') return settled.returnvalue;
        if (settled !== undefined) throw await failureOf(jobId, settled.failedReason ?? '');
        if (performance.now() >= deadlineMs)
          throw new BerthError(
            'WORKER_TIMEOUT',
            `job ${jobId} is still ${state} after ${timeoutMs} ms` +
              (state === 'waiting' ? ': no worker takes it; start one' : ''),
            { details: { jobId, state } },
          );
        await sleep(pollMs);
      }
    },

    async progressOf(jobId) {
      const job = await find(jobId);
      if (job === undefined || (await connection.call(() => job.getState())) !== 'active')
        return undefined;
      return typeof job.progress === 'string' ? job.progress : '';
    },

    async counts() {
      const counts = await connection.call(() =>
        queue.getJobCounts('waiting', 'prioritized', 'active', 'delayed', 'completed', 'failed'),
      );
      const of = (state: string): number => counts[state] ?? 0;
      return {
        waiting: of('waiting') + of('prioritized'),
        active: of('active'),
        delayed: of('delayed'),
        completed: of('completed'),
        failed: of('failed'),
      };
    },

    async close() {
      await queue.close();
      connection.close();
    },
  };
}
