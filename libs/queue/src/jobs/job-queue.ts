import {
  inferenceRequestSchema,
  jobSchema,
  type InferenceRequest,
  type Job,
} from '@berth/contracts';
import { Queue, type DefaultJobOptions } from 'bullmq';
import type { Redis } from 'ioredis';

/** Where all jobs wait. */
export const jobQueueName = 'berth-jobs';
/** Keys of BullMQ start with this. */
export const jobQueuePrefix = 'berth';

// A failing job is tried again every 200-500 ms for about ten minutes: longer than an outage that heals by itself.
const retries = { attempts: 2_000, backoff: { type: 'fixed', delay: 500, jitter: 0.6 } };
const kept = { removeOnComplete: { count: 1_000 }, removeOnFail: { count: 1_000 } };

/** A queue, and what waits in it. */
export interface QueueKind<T> {
  readonly name: string;
  readonly schema: {
    safeParse(
      data: unknown,
    ):
      | { readonly success: true; readonly data: T }
      | { readonly success: false; readonly error: Error };
  };
  readonly defaultJobOptions: DefaultJobOptions;
}

/** Jobs that make data. */
export const dataJobs: QueueKind<Job> = {
  name: jobQueueName,
  schema: jobSchema,
  defaultJobOptions: { ...retries, ...kept, sizeLimit: 4_096 },
};

/** Questions to trained models: somebody waits for the answer, so none is asked twice or kept for long. */
export const modelQuestions: QueueKind<InferenceRequest> = {
  name: 'berth-model-questions',
  schema: inferenceRequestSchema,
  defaultJobOptions: {
    attempts: 1,
    removeOnComplete: { age: 60, count: 100 },
    removeOnFail: { age: 60, count: 100 },
    sizeLimit: 256 * 1_024,
  },
};

/** A queue, on a connection that the caller closes. */
export function openQueue<T>(client: Redis, { name, defaultJobOptions }: QueueKind<T>): Queue<T> {
  const queue = new Queue<T>(name, {
    connection: client,
    prefix: jobQueuePrefix,
    defaultJobOptions,
  });
  queue.on('error', () => undefined); // The connection reports outages.
  return queue;
}
