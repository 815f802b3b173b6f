import type { MemberInfo, View } from '@berth/contracts';
import { describe, expect, it } from 'vitest';
import { liveMember } from '../testing/live-member.ts';
import { runRules, runSnapshot, viewOf } from '../testing/run-snapshot.ts';
import { decideRun } from './run.ts';
import {
  newRunMemory,
  type RunDecision,
  type RunMemory,
  type RunRules,
  type RunSnapshot,
} from './run-state.ts';

const rules: RunRules = { ...runRules, minWorkers: 2 };

const member = (memberId: string, change: Partial<MemberInfo> = {}): MemberInfo =>
  liveMember(memberId, { step: 9, ...change });

const view = (mode: View['mode'], ...memberIds: string[]): View => viewOf(memberIds, { mode });

const [a, b] = [member('worker-1-aaaaaa'), member('worker-2-bbbbbb')];

const snapshot = (change: Partial<RunSnapshot>): RunSnapshot =>
  runSnapshot({ view: view('train', a.memberId, b.memberId), live: [a, b], ...change });

const decide = (
  nowMs: number,
  change: Partial<RunSnapshot>,
  memory: RunMemory = newRunMemory(0),
): RunDecision => decideRun(nowMs, memory, snapshot(change), rules);

describe('a run that the bucket takes no checkpoint of', () => {
  const limited = { ...rules, maxUnsavedMs: 3_600_000 };
  const saving = { step: 9, forMs: 3_600_001, spooledBytes: 1, spooledStep: 8 };
  const look = (change: Partial<RunSnapshot>, with_ = limited): RunDecision =>
    decideRun(30_000, newRunMemory(0), snapshot(change), with_);

  it('waits once that has lasted too long, and says since when and where the state is', () => {
    const late = member(a.memberId, { saving });
    expect(look({ live: [late, b] })).toMatchObject({
      kind: 'hold',
      reason:
        'training waits until a checkpoint is saved, and then goes on by itself: the bucket has taken none for 1.0 h ' +
        '(train.maxUnsavedMs is 1.0 h); step 8 is on the disk of worker-1-aaaaaa',
    });
    expect(look({ live: [late, b] }, { ...limited, maxUnsavedMs: 0 }).kind).toBe('keep');
    const early = member(a.memberId, { saving: { ...saving, forMs: 3_600_000 } });
    expect(look({ live: [early, b] }).kind).toBe('keep');
  });

  it('goes on once it is saved, with the members that it had', () => {
    const held = { view: view('train'), live: [a, b] };
    expect(look(held)).toMatchObject({ kind: 'publish', mode: 'train', members: [a, b] });
  });

  it('is saved all the same when it is to rest, or has no step left', () => {
    const live = [member(a.memberId, { saving }), b];
    // The step under way is waited for.
    expect(look({ live, status: 'stopping' }).kind).toBe('keep');
    expect(look({ live, numCommitted: 100 }).kind).toBe('keep');
  });
});

describe('a run with fewer members than it needs', () => {
  const drain = { reason: 'SIGTERM' };
  const left = member(a.memberId, { state: 'draining', drain });

  it('trains on with none of them, unless they only save what they hold before they leave', () => {
    expect(decide(0, { live: [left, b] }).kind).toBe('wait');
    const last = member(b.memberId, { state: 'idle', drain });
    expect(decide(0, { live: [left, last] })).toMatchObject({ kind: 'publish', members: [last] });
  });
});

describe('a run with fewer members than it wants', () => {
  const one = { ...rules, minWorkers: 1 };
  const comes = member('worker-2-bbbbbb', {
    state: 'syncing',
    opening: { activity: 'compiling', forMs: 9_000 },
  });
  const idle = member('worker-2-bbbbbb', { state: 'idle' });
  const isShort = (change: Partial<RunSnapshot>, nowMs = 30_000): boolean => {
    const decision = decideRun(nowMs, newRunMemory(0), snapshot(change), one);
    if (decision.kind !== 'keep' && decision.kind !== 'publish') throw new Error(decision.reason);
    return decision.isShort;
  };
  const alone = view('train', a.memberId);

  it('is not short of any while it starts and the others come', () => {
    expect(isShort({ status: 'starting', view: undefined, live: [a, comes] })).toBe(false);
    expect(isShort({ status: 'running', view: alone, live: [a, comes] })).toBe(false);
    expect(isShort({ status: 'running', view: alone, live: [a, idle] })).toBe(false);
  });

  it('is short of those that do not come', () => {
    expect(isShort({ status: 'starting', view: undefined, live: [a] })).toBe(true);
    expect(isShort({ status: 'running', view: alone, live: [a] })).toBe(true);
    const other = { ...idle, numerics: { ...idle.numerics, kernels: 'other' } };
    expect(isShort({ status: 'running', view: alone, live: [a, other] })).toBe(true);
  });

  it('is short of those that it lost until they are back', () => {
    expect(isShort({ status: 'running', live: [a] })).toBe(true);
    const again = { ...comes, memberId: 'worker-2-cccccc' };
    expect(isShort({ status: 'running', live: [a, again] })).toBe(true);
    expect(isShort({ status: 'degraded', view: alone, live: [a, again] })).toBe(true);
    const both = view('train', a.memberId, again.memberId);
    const back = member(again.memberId);
    expect(isShort({ status: 'degraded', view: both, live: [a, back] })).toBe(false);
  });
});

it.each([
  [
    'evaluates first',
    { numCommitted: 0 },
    /; evaluating on held-out examples before the first step$/,
  ],
  [
    'computes its first step',
    { numCommitted: 0, isEvaluated: true },
    /; computing the first step$/,
  ],
  ['is between two steps', { numCommitted: 7 }, /^2 workers$/],
  [
    'has trained',
    { numCommitted: 100 },
    /; saving the last checkpoint, evaluating on held-out examples$/,
  ],
  ['has saved', { numCommitted: 100, isSaved: true }, /; evaluating on held-out examples$/],
  ['has evaluated', { numCommitted: 100, isEvaluated: true }, /; saving the last checkpoint$/],
])('a run that %s says so', (_, change, reason) => {
  expect(decide(30_000, change)).toMatchObject({
    kind: 'keep',
    reason: expect.stringMatching(reason) as string,
  });
});

describe('a run that is to be saved', () => {
  it.each([
    ['pausing', { status: 'pausing' }],
    ['stopping', { status: 'stopping' }],
  ] as const)('waits for the step under way when it is %s', (_, asked) => {
    const first = decide(0, asked);
    expect(first.kind).toBe('keep');
    expect(decide(59_000, asked, first.memory).kind).toBe('keep');
    const committed = decide(100, { ...asked, numCommitted: 11 }, first.memory);
    expect(committed).toMatchObject({
      kind: 'publish',
      mode: 'save',
      reason: 'saving a checkpoint',
    });
  });

  it('waits no longer than a minute, and not at all when no step is under way', () => {
    const first = decide(0, { status: 'pausing' });
    const late = decide(61_000, { status: 'pausing' }, first.memory);
    expect(late).toMatchObject({ kind: 'publish', mode: 'save' });
    const alone = { status: 'pausing', live: [a] } as const;
    expect(decide(0, alone)).toMatchObject({ kind: 'publish', mode: 'save', members: [a] });
  });

  it('rests once all is saved, or when there is nothing to save or nobody to do it', () => {
    const status = 'pausing';
    expect(decide(0, { status, isSaved: true })).toMatchObject({ kind: 'end', status: 'paused' });
    expect(decide(0, { status, numCommitted: 0 })).toMatchObject({ kind: 'end', status: 'paused' });
    expect(decide(0, { status, live: [] })).toMatchObject({
      kind: 'end',
      status: 'paused',
      reason: 'no worker was left to save; resume redoes some steps',
    });
  });

  it.each([
    ['stopping', 'stopped'],
    ['pausing', 'paused'],
  ] as const)('rests without saving when it is %s and the store is full', (status, rests) => {
    const error = { code: 'STORE_FULL', message: 'No space left in /s3.', details: {} } as const;
    const complaint = { viewVersion: 3, step: 10, suspects: [], error };
    const saving = view('save', a.memberId, b.memberId);
    const live = [a, { ...b, complaint }];
    const decision = decide(0, { status, view: saving, live });
    expect(decision).toMatchObject({ kind: 'end', status: rests });
    expect(decision.reason).toContain('step 10 is not saved: No space left in /s3.');
    // At its last step a run waits for space.
    const ended = { numCommitted: 100, view: saving, live };
    expect(['keep', 'publish']).toContain(decide(0, ended).kind);
  });

  it('trains on once it is resumed', () => {
    const saved = view('save', a.memberId, b.memberId);
    expect(decide(0, { isSaved: true, view: saved })).toMatchObject({
      kind: 'publish',
      mode: 'train',
      reason: 'training goes on',
    });
  });
});

describe('a run that is asked for a checkpoint', () => {
  const asked = { wantsCheckpoint: true } as const;
  const since = (savingSince: RunMemory['savingSince']) => ({ ...newRunMemory(0), savingSince });
  const saving = (fromStep: number): View => ({
    ...view('train', a.memberId, b.memberId),
    fromStep,
    savesFirst: true,
  });

  it('finishes the step under way, then saves first in a view that trains', () => {
    const first = decide(0, asked);
    expect(first.kind).toBe('keep');
    const committed = decide(100, { ...asked, numCommitted: 11 }, first.memory);
    expect(committed).toMatchObject({ kind: 'publish', mode: 'train', savesFirst: true });
    expect(committed.reason).toBe('saving a checkpoint, as asked for');
  });

  it('trains beside the save, in one view, until the checkpoint or a newer one is there', () => {
    const memory = since({ nowMs: 0, numCommitted: 10 });
    const beside = { ...asked, view: saving(11), numCommitted: 30, savedStep: 10 };
    const kept = decide(0, beside, memory);
    expect(kept.kind).toBe('keep');
    const there = decide(0, { ...beside, savedStep: 20 }, kept.memory);
    expect(there).toMatchObject({ kind: 'saved', step: 20, memory: { savingSince: undefined } });
    expect(decide(0, { view: saving(11), numCommitted: 30 }, there.memory).kind).toBe('keep');
  });

  it('saves first again in the view after one that was lost meanwhile', () => {
    const memory = since({ nowMs: 0, numCommitted: 10 });
    const third = member('worker-3-cccccc');
    const joined = { ...asked, view: saving(11), numCommitted: 30, live: [a, third] };
    expect(decide(0, joined, memory)).toMatchObject({ kind: 'publish', savesFirst: true });
  });

  it('is not content with what was saved before it was asked', () => {
    const later = { ...asked, view: saving(11), numCommitted: 30, savedStep: 20 };
    const first = decide(0, later);
    expect(first.kind).toBe('keep');
    const next = decide(0, { ...later, numCommitted: 31 }, first.memory);
    expect(next).toMatchObject({ kind: 'publish', savesFirst: true });
    expect(decide(0, { ...later, isSaved: true })).toMatchObject({ kind: 'saved', step: 30 });
  });
});

describe('a run that lacks workers', () => {
  it('says who is missing since when, while it waits', () => {
    const { memory } = decide(0, {});
    const left = decide(12_000, { live: [a] }, memory);
    expect(left).toMatchObject({
      kind: 'wait',
      reason: 'waiting for 1 of 2 workers: worker-2 last seen 12 s ago',
    });
    const back = member('worker-2-cccccc', { state: 'syncing', runId: null });
    expect(decide(12_000, { live: [a, back] }, memory).reason).toBe('waiting for 1 of 2 workers');
  });

  it('is short while it trains with fewer than wanted', () => {
    const alone = { view: view('train', a.memberId), live: [a] };
    const few = { ...rules, minWorkers: 1 };
    const { memory } = decide(0, {});
    expect(decideRun(130_000, memory, snapshot(alone), few)).toMatchObject({
      kind: 'keep',
      isShort: true,
      reason: '1 of 2 workers: worker-2 last seen 2 min ago',
    });
  });
});
