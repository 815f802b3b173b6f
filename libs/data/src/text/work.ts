import { setImmediate as turn } from 'node:timers/promises';

/** A long computation that pauses every few milliseconds. What it returns does not depend on the pauses. */
export type Work<T> = Generator<undefined, T>;

/** Does all of it at once. */
export function finish<T>(work: Work<T>): T {
  let step = work.next();
  while (step.done !== true) step = work.next();
  return step.value;
}

/**
 * Does it while the event loop has its turns.
 * @throws the reason of `signal`
 */
export async function inTurns<T>(work: Work<T>, signal?: AbortSignal): Promise<T> {
  for (;;) {
    const step = work.next();
    if (isTurnDue()) await giveTurn(signal);
    if (step.done === true) return step.value;
  }
}

const longestStretchMs = 40;
let lastTurnAt = performance.now();

/** Whether this thread has computed for so long that others should have a turn. */
export function isTurnDue(): boolean {
  return performance.now() - lastTurnAt > longestStretchMs;
}

/**
 * Gives the event loop a turn.
 * @throws the reason of `signal`
 */
export async function giveTurn(signal?: AbortSignal): Promise<void> {
  await turn();
  lastTurnAt = performance.now();
  signal?.throwIfAborted();
}
