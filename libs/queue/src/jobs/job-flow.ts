import { BerthError, digestOf, type Job, type JobFlow } from '@berth/contracts';
import { FlowProducer, type FlowJob, type Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import type { RedisConnection } from '../connection/connection.ts';
import { dataJobs, jobQueueName, jobQueuePrefix } from './job-queue.ts';

/** Adds flows to the job queue, and takes them away. */
export interface JobFlows {
  /**
   * Adds a flow, all of it or nothing. The same job has the same id: a flow that is under way or completed is left alone, one
   * that has failed starts over, and a job that another try has left running becomes part of it. A job that fails fails what comes
   * after it.
   * @param options.again - one that has completed starts over too: its result is known to be lost. @defaultValue false
   * @returns the id of its last job
   */
  readonly add: (flow: JobFlow, options?: { readonly again?: boolean }) => Promise<string>;
  /** Takes away what of a flow is not done and not running. */
  readonly drop: (jobId: string) => Promise<void>;
}

const underWay: ReadonlySet<string> = new Set([
  'waiting-children',
  'waiting',
  'active',
  'delayed',
  'prioritized',
]);

/** Calls to Redis that are under way together. */
const numAtOnce = 64;

/** Flows of a queue, on the connection that it has. */
export function createJobFlows(connection: RedisConnection, queue: Queue<Job>): JobFlows {
  const producer = new FlowProducer({
    connection: connection.client,
    prefix: jobQueuePrefix,
  });
  producer.on('error', () => undefined); // The connection reports outages.

  const drop = async (jobId: string): Promise<void> => {
    // What others wait for last goes first: a job whose last child is taken away would be done.
    for (let level = [jobId]; level.length > 0;) {
      const below: string[] = [];
      for (let start = 0; start < level.length; start += numAtOnce)
        await Promise.all(
          level.slice(start, start + numAtOnce).map(async (id) => {
            const job = await connection.call(() => queue.getJob(id));
            if (job === undefined) return;
            const { unprocessed = [] } = await connection.call(() => job.getDependencies());
            below.push(...unprocessed.map((key) => key.slice(key.lastIndexOf(':') + 1)));
            // One that a worker has taken stays, and ends by itself.
            await job.remove({ removeChildren: false }).catch(() => undefined);
          }),
        );
      level = below;
    }
  };

  return {
    drop,
    async add(flow, { again = false } = {}) {
      const rootId = jobIdOf(flow.job);
      const root = await connection.call(() => queue.getJob(rootId));
      const state = root === undefined ? 'unknown' : await connection.call(() => root.getState());
      if (underWay.has(state) || (state === 'completed' && !again)) return rootId;
      await drop(rootId);
      await removeEnded(connection.client, queue, flow);
      await connection.call(() =>
        producer.add(nodeOf(flow, 0), {
          queuesOptions: { [jobQueueName]: { defaultJobOptions: dataJobs.defaultJobOptions } },
        }),
      );
      return rootId;
    },
  };
}

/** Jobs of an earlier try would keep the place of those that are to be done now. */
async function removeEnded(client: Redis, queue: Queue<Job>, flow: JobFlow): Promise<void> {
  const ids = idsOf(flow);
  const pipeline = client.pipeline();
  for (const id of ids) pipeline.exists(queue.toKey(id));
  const found = (await pipeline.exec()) ?? [];
  for (const [index, id] of ids.entries()) {
    if (found[index]?.[1] !== 1) continue;
    const job = await queue.getJob(id);
    if (job !== undefined && ['failed', 'completed'].includes(await job.getState()))
      await job.remove({ removeChildren: false }).catch(() => undefined);
  }
}

function idsOf({ job, after = [] }: JobFlow): string[] {
  return [jobIdOf(job), ...after.flatMap(idsOf)];
}

/** What others wait for longest is done first: a queue without priority comes before all with one. */
function nodeOf({ job, after = [] }: JobFlow, depth: number): FlowJob {
  return {
    name: job.kind,
    queueName: jobQueueName,
    data: job,
    opts: {
      jobId: jobIdOf(job),
      priority: depth,
      ...(depth > 0 && { failParentOnFailure: true, removeOnComplete: true }),
    },
    ...(after.length > 0 && { children: after.map((child) => nodeOf(child, depth + 1)) }),
  };
}

/** Equal jobs have equal ids. */
export function jobIdOf(job: Job): string {
  return `${job.kind}-${digestOf(job).slice(0, 32)}`;
}

/**
 * The job whose failure made another fail, if that is why it failed.
 * @param failedReason - what BullMQ says of a job whose child has failed: `child berth:berth-jobs:<id> failed`
 */
export function failedChildOf(failedReason: string): string | undefined {
  const prefix = `child ${jobQueuePrefix}:${jobQueueName}:`;
  return failedReason.startsWith(prefix) && failedReason.endsWith(' failed')
    ? failedReason.slice(prefix.length, -' failed'.length)
    : undefined;
}

/** The failure of a job that has gone, so that what it failed with cannot be told. */
export function childIsGone(jobId: string): BerthError {
  return new BerthError(
    'QUEUE_UNREACHABLE',
    `job ${jobId} failed, and Redis no longer holds why; ask for it again`,
    { details: { jobId } },
  );
}
