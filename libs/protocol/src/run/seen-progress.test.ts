import type { MemberInfo, View } from '@berth/contracts';
import { describe, expect, it } from 'vitest';
import { liveMember } from '../testing/live-member.ts';
import { runRules, runSnapshot, viewOf } from '../testing/run-snapshot.ts';
import { decideRun } from './run.ts';
import { newRunMemory, type RunDecision, type RunSnapshot } from './run-state.ts';

const member = (memberId: string, change: Partial<MemberInfo> = {}): MemberInfo =>
  liveMember(memberId, { newestEpoch: 5, ...change });

const view = (change: Partial<View> = {}): View =>
  viewOf(['a', 'b'], { fencingEpoch: 5, ...change });

function snapshot(change: Partial<RunSnapshot> = {}): RunSnapshot {
  const epochs = { fencingEpoch: 5, serverEpoch: 5 };
  return runSnapshot({ view: view(), live: [member('a'), member('b')], ...epochs, ...change });
}

describe('a Redis that holds less than was seen', () => {
  const { memory } = decideRun(0, newRunMemory(0), snapshot(), runRules);

  it.each<[string, Partial<RunSnapshot>, string]>([
    ['steps', { numCommitted: 9 }, 'its ledger ends at step 9, after 10 were seen'],
    ['views', { view: view({ version: 2 }) }, 'view 2 is in force, after view 3 was'],
    ['an epoch', { view: view({ fencingEpoch: 4, version: 9 }) }, 'view 9 is in force'],
    ['all views', { view: undefined }, 'it has no view, after view 3 was'],
  ])('is read again when it has lost %s', (_, change, reason) => {
    const decision = decideRun(100, memory, snapshot(change), runRules);
    expect(decision).toMatchObject({ kind: 'readAgain', usedEpoch: 6 });
    expect(decision.reason).toContain(reason);
  });

  it('is recognised by a new coordinator from what a member of the run has seen', () => {
    const other = member('c', { runId: 'other', newestEpoch: 90 });
    const fresh = (live: MemberInfo[]): RunDecision =>
      decideRun(0, newRunMemory(0), snapshot({ live }), runRules);
    expect(fresh([member('a'), member('b', { newestEpoch: 8 }), other])).toMatchObject({
      kind: 'readAgain',
      usedEpoch: 8,
    });
    expect(fresh([member('a'), member('b'), other]).kind).toBe('keep');
  });

  it('is given a view again that was published before it was restarted', () => {
    const decision = decideRun(
      100,
      memory,
      snapshot({ fencingEpoch: 7, serverEpoch: 6 }),
      runRules,
    );
    expect(decision).toMatchObject({ kind: 'publish', mode: 'train' });
    expect(decision.reason).toContain('Redis was restarted or replaced');
    const later = snapshot({ fencingEpoch: 7, serverEpoch: 5 });
    expect(decideRun(100, memory, later, runRules).kind).toBe('keep');
  });
});

describe('members that rest at the end of a view', () => {
  const idle = ['a', 'b'].map((id) => member(id, { state: 'idle', step: 100 }));
  const atTheEnd = { numCommitted: 100, live: idle };

  it.each<[string, Partial<RunSnapshot>, string]>([
    ['checkpoint', atTheEnd, 'nothing is known of the checkpoint'],
    ['evaluation', { ...atTheEnd, isSaved: true }, 'nothing is known of the last evaluation'],
    [
      'checkpoint of a pause',
      { ...atTheEnd, status: 'pausing', numCommitted: 50, view: view({ mode: 'save' }) },
      'nothing is known of the checkpoint',
    ],
  ])('make the %s again that nobody knows of', (_, change, reason) => {
    const first = decideRun(0, newRunMemory(0), snapshot(change), runRules);
    expect(first.kind).toBe('keep');
    expect(decideRun(2_900, first.memory, snapshot(change), runRules).kind).toBe('keep');
    const late = decideRun(3_000, first.memory, snapshot(change), runRules);
    expect(late).toMatchObject({ kind: 'publish', mode: change.view?.mode ?? 'train' });
    expect(late.reason).toContain(reason);
    const renewed = { ...change, view: { ...(change.view ?? view()), version: 4 } };
    expect(decideRun(3_100, late.memory, snapshot(renewed), runRules).kind).toBe('keep');
  });

  it('are left alone while one of them is at work, or the run has steps left', () => {
    const [first, second] = idle as [MemberInfo, MemberInfo];
    const atWork = { ...atTheEnd, live: [first, { ...second, state: 'training' as const }] };
    for (const change of [atWork, { ...atTheEnd, numCommitted: 99 }]) {
      const { memory } = decideRun(0, newRunMemory(0), snapshot(change), runRules);
      expect(decideRun(60_000, memory, snapshot(change), runRules).kind).toBe('keep');
    }
  });
});
