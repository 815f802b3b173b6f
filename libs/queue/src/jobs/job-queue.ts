import type { Job } from '@berth/contracts';
import { Queue } from 'bullmq';
import type { Redis } from 'ioredis';

/** Where all jobs wait. */
export const jobQueueName = 'berth-jobs';
/** Keys of BullMQ start with this. */
export const jobQueuePrefix = 'berth';

// A failing job is tried again every 200-500 ms for about ten minutes: longer than an outage that heals by itself.
const retries = { attempts: 2_000, backoff: { type: 'fixed', delay: 500, jitter: 0.6 } };
const kept = { removeOnComplete: { count: 1_000 }, removeOnFail: { count: 1_000 } };

/** The queue, on a connection that the caller closes. */
export function openQueue(client: Redis): Queue<Job> {
  const queue = new Queue<Job>(jobQueueName, {
    connection: client,
    prefix: jobQueuePrefix,
    defaultJobOptions: { ...retries, ...kept, sizeLimit: 4_096 },
  });
  queue.on('error', () => undefined); // The connection reports outages.
  return queue;
}
