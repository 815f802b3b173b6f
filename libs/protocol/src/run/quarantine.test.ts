import type { MemberInfo } from '@berth/contracts';
import { describe, expect, it } from 'vitest';
import { liveMember } from '../testing/live-member.ts';
import {
  quarantineWorkers,
  forgive,
  leftOutAt,
  type RunMembers,
  type Quarantines,
} from './quarantine.ts';

const member = (memberId: string, change: Partial<MemberInfo> = {}): MemberInfo =>
  liveMember(memberId, { state: 'idle', ...change });

/** Who of these is left out while somebody else trains. */
function leftOut(nowMs: number, quarantines: Quarantines, ...memberIds: string[]): string[] {
  const live = ['other', ...memberIds].map((memberId) => member(memberId));
  return [...leftOutAt(nowMs, quarantines, { runId: 'r', live, view: undefined }, 1).quarantined];
}

describe('a quarantine', () => {
  it('lasts twice as long each time, for each worker', () => {
    const once = quarantineWorkers(new Map(), ['b'], 0);
    expect(leftOut(999, once, 'b')).toEqual(['b']);
    expect(leftOut(1_000, once, 'b')).toEqual([]);
    const again = quarantineWorkers(once, ['b', 'c'], 1_000);
    expect(leftOut(1_999, again, 'b', 'c')).toEqual(['b', 'c']);
    expect(leftOut(2_999, again, 'b', 'c')).toEqual(['b']);
    expect(leftOut(3_000, again, 'b', 'c')).toEqual([]);
    let many = again;
    for (let i = 0; i < 20; i++) many = quarantineWorkers(many, ['b'], 0);
    expect(leftOut(599_999, many, 'b')).toEqual(['b']);
    expect(leftOut(600_000, many, 'b')).toEqual([]);
  });

  it('is inherited by the process that takes the place of the one before', () => {
    const once = quarantineWorkers(new Map(), ['worker-1-aaaaaa'], 0);
    expect(leftOut(500, once, 'worker-1-bbbbbb', 'worker-2-aaaaaa')).toEqual(['worker-1-bbbbbb']);
    const twice = quarantineWorkers(once, ['worker-1-bbbbbb'], 0);
    expect(leftOut(1_999, twice, 'worker-1-cccccc')).toEqual(['worker-1-cccccc']);
  });

  it('is forgotten after ten steps in peace that took as long as it lasted, however long ago it was', () => {
    const twice = quarantineWorkers(quarantineWorkers(new Map(), ['b'], 0), ['b'], 1_000);
    const quick = forgive(twice, ['b'], { numSteps: 100, durationMs: 1_999 });
    const few = forgive(twice, ['b'], { numSteps: 9, durationMs: 1e6 });
    for (const unforgiven of [quick, few]) {
      const again = quarantineWorkers(unforgiven, ['b'], 9e9);
      expect(leftOut(9e9 + 3_999, again, 'b')).toEqual(['b']);
    }
    expect(forgive(quick, ['b'], { numSteps: 1, durationMs: 1 }).has('b')).toBe(false);
    expect(forgive(few, ['b', 'c'], { numSteps: 1, durationMs: 1 }).has('b')).toBe(false);
    expect(forgive(few, ['c'], { numSteps: 1, durationMs: 1 }).has('b')).toBe(true);
  });

  it('does not end while the engine is at the call that it was at then', () => {
    const once = quarantineWorkers(new Map(), ['b'], 100_000);
    const members = (engineCallMs: number): RunMembers => {
      const live = [member('a'), member('b', { engineCallMs })];
      return { runId: 'r', live, view: undefined };
    };
    const stuck = leftOutAt(900_000, once, members(800_001), 2);
    expect([...stuck.quarantined]).toEqual(['b']);
    expect(stuck.text).toBe('; b is left out until its engine answers');
    expect(leftOutAt(900_000, once, members(799_000), 2)).toEqual({
      quarantined: new Set(),
      text: '',
    });
  });

  it('never unseats anyone', () => {
    const members = [{ memberId: 'b', host: 'h', port: 1, blocks: [] }];
    const view = { runId: 'r', fencingEpoch: 1, version: 1, fromStep: 0, mode: 'train' } as const;
    const live = [member('a'), member('b')];
    const come = { runId: 'r', live, view: { ...view, reason: '', members } };
    expect(leftOutAt(0, quarantineWorkers(new Map(), ['b'], 0), come, 1).quarantined.size).toBe(0);
  });

  it('ends early when too few would be left, for those first that were left out the fewest times', () => {
    const once = quarantineWorkers(quarantineWorkers(new Map(), ['b', 'c'], 0), ['b'], 0);
    let often = once;
    for (let i = 0; i < 9; i++) often = quarantineWorkers(often, ['b', 'c'], 0);
    const members = { runId: 'r', live: [member('b'), member('c')], view: undefined };
    expect(leftOutAt(4_999, often, members, 1).quarantined.size).toBe(2);
    const early = leftOutAt(5_000, often, members, 1);
    expect([...early.quarantined]).toEqual(['b']);
    expect(early.text).toBe(
      '; c is tried again early, as too few are left; b is left out for 10 min',
    );
  });
});
