import { expect, it } from 'vitest';
import { engineLimitMs, numRanks } from './engine-limits.ts';
import type { CallUnderWay } from './thread-rpc.ts';
import { Watchdog } from './watchdog.ts';

const stepTimeoutMs = 600_000;

/** A thread as its watchdog sees it. */
function watch(): {
  call: CallUnderWay | undefined;
  begin: (method: string, length?: number) => void;
  ticks: (count: number) => string | undefined;
} {
  let id = 0;
  const thread = {
    call: undefined as CallUnderWay | undefined,
    begin(method: string, length = 1): void {
      const args = [{ block: { start: 0, length } }];
      thread.call = { id: id++, method, args, sinceMs: 0 };
    },
    /** What it says after so many ticks, or as soon as it says anything. */
    ticks(count: number): string | undefined {
      for (let tick = 0; tick < count; tick++) {
        const error = watchdog.tick();
        if (error !== undefined) return error.message;
      }
      return undefined;
    },
  };
  const watchdog = new Watchdog({
    name: 'The thread',
    underWay: () => thread.call,
    limitMs: (call, measuredMs) => engineLimitMs(call, measuredMs, stepTimeoutMs),
    sizeOf: numRanks,
  });
  return thread;
}

it('ends a call that takes longer than a minute and 20 times what it took lately, per virtual rank', () => {
  const thread = watch();
  thread.begin('computeGradients', 2);
  expect(thread.ticks(11)).toBeUndefined(); // 10 s, 5 s a rank
  thread.begin('computeGradients', 4);
  expect(thread.ticks(401)).toBeUndefined();
  expect(thread.ticks(1)).toBe(
    'The thread hangs: computeGradients has no answer after 401 s; it may take 400 s, and took about 5000 ms before',
  );
});

it('gives a quick call a minute, and a step no more than the others wait for it', () => {
  const thread = watch();
  for (let step = 0; step < 3; step++) {
    thread.begin('takeGradients');
    thread.ticks(1);
  }
  expect(thread.ticks(60)).toBeUndefined();
  expect(thread.ticks(1)).toContain('after 61 s; it may take 60 s');
  const call = { id: 1, method: 'computeGradients', args: [{ block: { length: 8 } }], sinceMs: 0 };
  expect(engineLimitMs(call, 10_000, stepTimeoutMs)).toBe(stepTimeoutMs);
  expect(engineLimitMs(call, undefined, 20_000)).toBe(20_000);
  expect(engineLimitMs(call, 10, 20_000)).toBe(20_000);
});

it('gives what it has never seen ten minutes, and compiling an hour', () => {
  const limit = (method: string): number =>
    engineLimitMs({ id: 1, method, args: [], sinceMs: 0 }, undefined, 20_000);
  expect(limit('readState')).toBe(600_000);
  expect(limit('open')).toBe(3_600_000);
  expect(limit('numerics')).toBe(3_600_000);
});

it('counts the time of each call, and none between two', () => {
  const thread = watch();
  for (let call = 0; call < 100; call++) {
    thread.begin('evaluate');
    expect(thread.ticks(50)).toBeUndefined();
    thread.call = undefined;
    expect(thread.ticks(1_000)).toBeUndefined();
  }
});
