import type { S3Client } from '@aws-sdk/client-s3';
import type { Logger } from '@berth/contracts';
import type { S3ObjectStoreOptions } from './s3-options.ts';
import { withRetries } from './retry.ts';
import { classifyFailure, hasCorrectedClock, storeError } from './store-failure.ts';

/**
 * One call to the service: given the client, a signal and whom to tell that bytes move, and repeated until it succeeds, fails
 * for good or is late.
 */
export type S3Call = <T>(
  name: string,
  run: (client: S3Client, signal: AbortSignal, progressed: () => void) => Promise<T>,
  signal?: AbortSignal,
) => Promise<T>;

const maxCorruptReads = 3;

/** @param where - for messages: endpoint, bucket and prefix */
export function createS3Call(
  client: S3Client,
  where: string,
  {
    requestTimeoutMs = 30_000,
    deadlineMs = 60_000,
  }: Pick<S3ObjectStoreOptions, 'requestTimeoutMs' | 'deadlineMs'>,
  logger: Logger,
): S3Call {
  // Keys that were found once are found again; where none ever were, waiting for them helps nobody.
  let hasAnswered = false;
  return async (name, run, signal) => {
    try {
      const result = await withRetries(
        (attemptSignal, progressed) => run(client, attemptSignal, progressed),
        {
          attemptTimeoutMs: requestTimeoutMs,
          deadlineMs,
          signal,
          shouldRetry: (error, attempt) => {
            const kind = classifyFailure(error, hasAnswered);
            return (
              kind === 'transient' ||
              (kind === 'corrupt' && attempt < maxCorruptReads) ||
              (attempt === 1 && hasCorrectedClock(error))
            );
          },
          onRetry: (error, attempt, delayMs) => {
            logger.warn(`${name} failed, trying again`, { where, attempt, delayMs, error });
          },
        },
      );
      hasAnswered = true;
      return result;
    } catch (error) {
      if (signal?.aborted) throw error;
      throw storeError(error, name, where, hasAnswered);
    }
  };
}
