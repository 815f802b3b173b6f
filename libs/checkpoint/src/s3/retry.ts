import { setTimeout as sleep } from 'node:timers/promises';
import { orAborted } from '@berth/contracts';

export interface RetryOptions {
  /** Longest one attempt may go without progress. */
  readonly attemptTimeoutMs: number;
  /** Longest all attempts and the waits between them may go without progress. */
  readonly deadlineMs: number;
  readonly signal: AbortSignal | undefined;
  /** `attempt` counts from 1. */
  readonly shouldRetry: (error: unknown, attempt: number) => boolean;
  readonly onRetry: (error: unknown, attempt: number, delayMs: number) => void;
}

const firstDelayMs = 100;
const maxDelayMs = 5_000;

/**
 * Tries until it succeeds, the error is final, or the deadline would pass; waits double from 100 ms to 5 s, with jitter.
 * Throws the last error, or the signal's reason once that is aborted.
 */
export async function withRetries<T>(
  attemptOnce: (signal: AbortSignal, progressed: () => void) => Promise<T>,
  options: RetryOptions,
): Promise<T> {
  let endMs = performance.now() + options.deadlineMs;
  const task: typeof attemptOnce = (signal, progressed) =>
    attemptOnce(signal, () => {
      endMs = performance.now() + options.deadlineMs;
      progressed();
    });
  for (let attempt = 1; ; attempt++) {
    const timeoutMs = Math.min(options.attemptTimeoutMs, endMs - performance.now());
    try {
      return await withinTime(task, timeoutMs, options.signal);
    } catch (error) {
      options.signal?.throwIfAborted();
      const backoffMs = Math.min(maxDelayMs, firstDelayMs * 2 ** (attempt - 1));
      const delayMs = backoffMs * (0.5 + Math.random() / 2);
      if (performance.now() + delayMs >= endMs || !options.shouldRetry(error, attempt)) throw error;
      options.onRetry(error, attempt, delayMs);
      await sleep(delayMs, undefined, options.signal && { signal: options.signal });
    }
  }
}

/**
 * Runs a task under a signal that aborts at a time limit, which begins anew with each progress, or with the caller's;
 * rejects then even if the task does not.
 */
async function withinTime<T>(
  task: (signal: AbortSignal, progressed: () => void) => Promise<T>,
  timeoutMs: number,
  outer: AbortSignal | undefined,
): Promise<T> {
  outer?.throwIfAborted();
  const controller = new AbortController();
  const timer = setTimeout(() => {
    const error = new Error(`no answer within ${Math.round(timeoutMs)} ms`);
    error.name = 'TimeoutError';
    controller.abort(error);
  }, timeoutMs);
  const abort = (): void => controller.abort(outer?.reason);
  outer?.addEventListener('abort', abort, { once: true });
  try {
    return await orAborted(
      task(controller.signal, () => void timer.refresh()),
      controller.signal,
    );
  } finally {
    clearTimeout(timer);
    outer?.removeEventListener('abort', abort);
  }
}
