import { silentLogger } from '@berth/contracts';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Stopping } from './stopping.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function stoppable(): { stopping: Stopping; exits: number[]; state: () => string } {
  const exits: number[] = [];
  const exit = (code: number): void => void exits.push(code);
  const stopping = new Stopping({ logger: silentLogger, exit });
  stopping.limit({ graceMs: 20_000, lateExitCode: 75 });
  const state = (): string =>
    stopping.atOnce.aborted ? 'at once' : stopping.signal.aborted ? 'in order' : 'goes on';
  return { stopping, exits, state };
}

it('ends in order, then at once, then without asking, all within the grace period', () => {
  const { stopping, exits, state } = stoppable();
  expect(state()).toBe('goes on');
  stopping.order('SIGTERM');
  expect(stopping.reason).toBe('SIGTERM');
  vi.advanceTimersByTime(16_900);
  expect(state()).toBe('in order');
  vi.advanceTimersByTime(200);
  expect(state()).toBe('at once');
  expect(exits).toEqual([]);
  vi.advanceTimersByTime(3_000);
  expect(exits[0]).toBe(75);
});

it('takes a signal that two have passed on for one, and one that comes later for a second', () => {
  const { stopping, exits, state } = stoppable();
  stopping.order('SIGINT');
  vi.advanceTimersByTime(100);
  stopping.order('SIGTERM');
  expect(state()).toBe('in order');
  vi.advanceTimersByTime(900);
  stopping.order('SIGTERM');
  expect(state()).toBe('at once');
  vi.advanceTimersByTime(3_000);
  expect(exits).toEqual([75]);
});

it('is only ever to end sooner, and says what told it first', () => {
  const { stopping, exits, state } = stoppable();
  stopping.stop('a notice', 120_000);
  vi.advanceTimersByTime(60_000);
  expect(state()).toBe('in order');
  stopping.order('SIGTERM');
  stopping.stop('a notice', 120_000);
  vi.advanceTimersByTime(17_100);
  expect(state()).toBe('at once');
  vi.advanceTimersByTime(3_000);
  expect(exits[0]).toBe(75);
  expect(stopping.reason).toBe('a notice');
});
