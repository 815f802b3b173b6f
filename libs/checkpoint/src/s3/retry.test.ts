import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { withRetries } from './retry.ts';

const options = {
  attemptTimeoutMs: 30,
  deadlineMs: 50,
  signal: undefined,
  shouldRetry: () => true,
  onRetry: () => undefined,
};

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** An attempt that tells of progress at these times, in ms, and ends at the last. */
function movesAt(timesMs: readonly number[]) {
  return (signal: AbortSignal, progressed: () => void): Promise<string> =>
    new Promise((resolve) => {
      for (const timeMs of timesMs) setTimeout(() => !signal.aborted && progressed(), timeMs);
      setTimeout(() => resolve('done'), timesMs.at(-1));
    });
}

it('gives a slow line time as long as bytes move', async () => {
  const result = withRetries(movesAt([25, 50, 75, 100, 125]), options);
  await vi.advanceTimersByTimeAsync(125);
  expect(await result).toBe('done');
});

it('gives up what stands still for longer than an attempt may', async () => {
  const result = withRetries(movesAt([25, 50, 81, 100]), { ...options, shouldRetry: () => false });
  await Promise.all([
    expect(result).rejects.toThrow('no answer within 30 ms'),
    vi.advanceTimersByTimeAsync(80),
  ]);
});
