import { expect, it } from 'vitest';
import { retryDelayMs } from './event-stream.ts';

it('waits twice as long after each failure, up to 15 s, never all clients at once', () => {
  expect([1, 2, 3, 4].map((failures) => retryDelayMs(failures, 0))).toEqual([
    500, 1000, 2000, 4000,
  ]);
  expect(retryDelayMs(30, 0)).toBe(15_000);
  expect(retryDelayMs(1, 1)).toBe(375);
});
