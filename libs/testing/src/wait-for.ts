import { setTimeout as sleep } from 'node:timers/promises';

export interface WaitForOptions {
  /** What is awaited, for the error: `a second member`. */
  readonly what: string;
  /** @defaultValue 600_000: on a busy machine all comes late, and what hangs does not come at all */
  readonly timeoutMs?: number;
  /** Between two looks. @defaultValue 20 */
  readonly intervalMs?: number;
}

/**
 * Asks again and again until the answer is neither `undefined` nor `false`, and returns it.
 * @throws Error naming `what` when time is up
 */
export async function waitFor<T>(
  condition: () => T | undefined | false | Promise<T | undefined | false>,
  { what, timeoutMs = 600_000, intervalMs = 20 }: WaitForOptions,
): Promise<T> {
  const deadlineMs = performance.now() + timeoutMs;
  for (;;) {
    const answer = await condition();
    if (answer !== undefined && answer !== false) return answer;
    if (performance.now() >= deadlineMs)
      throw new Error(`waited ${timeoutMs} ms for ${what} in vain`);
    await sleep(intervalMs);
  }
}
