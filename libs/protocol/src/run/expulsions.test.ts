import type { MemberInfo } from '@berth/contracts';
import { describe, expect, it } from 'vitest';
import { expel, forgive, leftOutAt, type Crew, type Expulsions } from './expulsions.ts';

function member(memberId: string, change: Partial<MemberInfo> = {}): MemberInfo {
  return {
    memberId,
    host: 'h',
    port: 1,
    pid: 1,
    hostname: 'h',
    numerics: { tensorflow: '2', device: 'cpu', kernels: 'k', numThreads: 1 },
    startedAtMs: 0,
    state: 'idle',
    runId: 'r',
    step: 10,
    complaint: null,
    rankMs: null,
    ...change,
  };
}

/** Who of these is left out while somebody else trains. */
function leftOut(nowMs: number, expulsions: Expulsions, ...memberIds: string[]): string[] {
  const live = ['other', ...memberIds].map((memberId) => member(memberId));
  return [...leftOutAt(nowMs, expulsions, { runId: 'r', live, view: undefined }, 1).expelled];
}

describe('an expulsion', () => {
  it('lasts twice as long each time, for each worker', () => {
    const once = expel(new Map(), ['b'], 0);
    expect(leftOut(999, once, 'b')).toEqual(['b']);
    expect(leftOut(1_000, once, 'b')).toEqual([]);
    const again = expel(once, ['b', 'c'], 1_000);
    expect(leftOut(1_999, again, 'b', 'c')).toEqual(['b', 'c']);
    expect(leftOut(2_999, again, 'b', 'c')).toEqual(['b']);
    expect(leftOut(3_000, again, 'b', 'c')).toEqual([]);
    let many = again;
    for (let i = 0; i < 20; i++) many = expel(many, ['b'], 0);
    expect(leftOut(599_999, many, 'b')).toEqual(['b']);
    expect(leftOut(600_000, many, 'b')).toEqual([]);
  });

  it('is inherited by the process that takes the place of the one before', () => {
    const once = expel(new Map(), ['worker-1-aaaaaa'], 0);
    expect(leftOut(500, once, 'worker-1-bbbbbb', 'worker-2-aaaaaa')).toEqual(['worker-1-bbbbbb']);
    const twice = expel(once, ['worker-1-bbbbbb'], 0);
    expect(leftOut(1_999, twice, 'worker-1-cccccc')).toEqual(['worker-1-cccccc']);
  });

  it('is forgotten after ten steps in peace that took as long as it lasted, however long ago it was', () => {
    const twice = expel(expel(new Map(), ['b'], 0), ['b'], 1_000);
    const quick = forgive(twice, ['b'], { numSteps: 100, durationMs: 1_999 });
    const few = forgive(twice, ['b'], { numSteps: 9, durationMs: 1e6 });
    for (const unforgiven of [quick, few]) {
      const again = expel(unforgiven, ['b'], 9e9);
      expect(leftOut(9e9 + 3_999, again, 'b')).toEqual(['b']);
    }
    expect(forgive(quick, ['b'], { numSteps: 1, durationMs: 1 }).has('b')).toBe(false);
    expect(forgive(few, ['b', 'c'], { numSteps: 1, durationMs: 1 }).has('b')).toBe(false);
    expect(forgive(few, ['c'], { numSteps: 1, durationMs: 1 }).has('b')).toBe(true);
  });

  it('does not end while the engine is at the call that it was at then', () => {
    const once = expel(new Map(), ['b'], 100_000);
    const crew = (engineCallMs: number): Crew => {
      const live = [member('a'), member('b', { engineCallMs })];
      return { runId: 'r', live, view: undefined };
    };
    const stuck = leftOutAt(900_000, once, crew(800_001), 2);
    expect([...stuck.expelled]).toEqual(['b']);
    expect(stuck.text).toBe('; b is left out until its engine answers');
    expect(leftOutAt(900_000, once, crew(799_000), 2)).toEqual({ expelled: new Set(), text: '' });
  });

  it('never unseats anyone', () => {
    const members = [{ memberId: 'b', host: 'h', port: 1, blocks: [] }];
    const view = { runId: 'r', fencingEpoch: 1, version: 1, fromStep: 0, mode: 'train' } as const;
    const live = [member('a'), member('b')];
    const crew = { runId: 'r', live, view: { ...view, reason: '', members } };
    expect(leftOutAt(0, expel(new Map(), ['b'], 0), crew, 1).expelled.size).toBe(0);
  });

  it('ends early when too few would be left, for those first that were left out the fewest times', () => {
    const once = expel(expel(new Map(), ['b', 'c'], 0), ['b'], 0);
    let often = once;
    for (let i = 0; i < 9; i++) often = expel(often, ['b', 'c'], 0);
    const crew = { runId: 'r', live: [member('b'), member('c')], view: undefined };
    expect(leftOutAt(4_999, often, crew, 1).expelled.size).toBe(2);
    const early = leftOutAt(5_000, often, crew, 1);
    expect([...early.expelled]).toEqual(['b']);
    expect(early.text).toBe(
      '; c is tried again early, as too few are left; b is left out for 10 min',
    );
  });
});
