import type { Logger } from '@berth/contracts';

/** Below the time that compose and other supervisors give before they kill. */
const orderlyMs = 50_000;
/** Whoever started us is gone, and likely all that it started with us. */
const orphanedMs = 10_000;

/**
 * Aborts when the process is told to stop: by SIGINT, SIGTERM, or the end of the process that started it. What is not done in
 * time then, such as leaving a Redis that is gone, ends with the process, whose exit code is 1.
 */
export function stopSignal(logger: Logger): AbortSignal {
  const stopping = new AbortController();
  const stopWithin = (deadlineMs: number) => (): void => {
    stopping.abort();
    setTimeout(() => {
      logger.error(`Did not stop within ${deadlineMs / 1_000} s`);
      process.exit(1);
    }, deadlineMs).unref();
  };
  process.once('SIGINT', stopWithin(orderlyMs));
  process.once('SIGTERM', stopWithin(orderlyMs));
  process.once('disconnect', stopWithin(orphanedMs));
  return stopping.signal;
}
