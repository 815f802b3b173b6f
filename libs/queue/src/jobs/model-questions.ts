import { setTimeout as sleep } from 'node:timers/promises';
import {
  BerthError,
  inferenceResults,
  requireKnown,
  type InferenceRequest,
  type InferenceResult,
} from '@berth/contracts';
import type { RedisConnection } from '../connection/connection.ts';
import { consume, type JobConsumer, type JobConsumerOptions } from './job-consumer.ts';
import { fromJobFailure } from './job-outcome.ts';
import { modelQuestions, openQueue } from './job-queue.ts';

/** Asks workers what trained models say. */
export interface ModelQuestions {
  /**
   * @throws BerthError `INFERENCE_UNAVAILABLE` where no worker is there, `INFERENCE_BUSY` where too much waits already or it was not
   * begun in time, `WORKER_TIMEOUT` where it was, and what the worker answers
   */
  ask<R extends InferenceRequest>(
    request: R,
    options: { readonly timeoutMs: number },
  ): Promise<InferenceResult<R['kind']>>;
  close(): Promise<void>;
}

/** What waits behind so many is refused: whoever asks would not wait for it. */
const maxWaiting = 16;
const pollMs = 50;

/** The questions, on a connection that the caller closes. */
export function createModelQuestions(connection: RedisConnection): ModelQuestions {
  const queue = openQueue(connection.client, modelQuestions);

  return {
    async ask(request, { timeoutMs }) {
      const deadlineMs = performance.now() + timeoutMs;
      const [numWorkers, numWaiting] = await connection.call(() =>
        Promise.all([queue.getWorkersCount(), queue.getWaitingCount()]),
      );
      if (numWorkers === 0)
        throw new BerthError(
          'INFERENCE_UNAVAILABLE',
          'No worker is there to use a model: start one, with `berth up` or `berth worker`',
        );
      if (numWaiting >= maxWaiting) throw busy(`${numWaiting} questions wait already`);
      const { id = '' } = await connection.call(() => queue.add(request.kind, request));
      for (;;) {
        const job = await connection.call(() => queue.getJob(id));
        if (job === undefined)
          throw new BerthError(
            'QUEUE_UNREACHABLE',
            'Redis no longer holds the question; ask again',
          );
        const state = await connection.call(() => job.getState());
        const settled =
          state === 'completed' || state === 'failed'
            ? await connection.call(() => queue.getJob(id))
            : undefined;
        if (settled !== undefined && state === 'failed')
          throw fromJobFailure(id, settled.failedReason ?? '');
        if (settled !== undefined) {
          const schema = inferenceResults[request.kind];
          return requireKnown(schema, settled.returnvalue, 'The answer of a worker') as never;
        }
        if (performance.now() >= deadlineMs) {
          // One that is being answered cannot be taken back; its answer goes by itself.
          await job.remove().catch(() => undefined);
          if (state !== 'active') throw busy('nobody came to this question in time');
          throw new BerthError(
            'WORKER_TIMEOUT',
            `A worker has not answered within ${Math.round(timeoutMs / 1_000)} s`,
          );
        }
        await sleep(pollMs);
      }
    },
    close: () => queue.close(),
  };
}

/** Answers questions to trained models, one at a time, until it is closed. @throws BerthError `QUEUE_UNREACHABLE` */
export function answerModelQuestions(
  url: string,
  options: Pick<JobConsumerOptions<InferenceRequest>, 'process' | 'logger'>,
): Promise<JobConsumer> {
  return consume(modelQuestions, url, options);
}

function busy(why: string): BerthError {
  return new BerthError('INFERENCE_BUSY', `The workers are busy: ${why}; try again soon`);
}
