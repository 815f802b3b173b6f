import type { Complaint, MemberInfo, Numerics } from '@berth/contracts';
import { describe, expect, it } from 'vitest';
import {
  idleMember as member,
  membershipOptions as options,
  membershipState as state,
  numerics,
  viewFrom10 as view,
} from '../testing/membership.ts';
import { classifyMembers } from './classify-members.ts';
import type { MembershipState } from './membership-state.ts';
import { decideMembership } from './membership.ts';
import { numericsDifference } from './numerics.ts';

const complaint: Complaint = {
  viewVersion: 3,
  step: 10,
  suspects: ['b'],
  error: { code: 'COLLECTIVE_TIMEOUT', message: 'b is missing', details: {} },
};

describe('the first view', () => {
  it('waits for the wanted workers', () => {
    expect(decideMembership(1_000, state({ live: [member('a')] }), options)).toMatchObject({
      kind: 'wait',
      reason: '1 of 2 workers are here',
    });
  });

  it('begins as soon as they are there', () => {
    const decision = decideMembership(0, state({ live: [member('b'), member('a')] }), options);
    expect(decision).toMatchObject({ kind: 'publish', reason: 'starting with a, b' });
  });

  it('begins with enough workers when the others do not come', () => {
    const decision = decideMembership(20_000, state({ live: [member('a')] }), options);
    expect(decision.kind).toBe('publish');
  });

  it('says how many are missing', () => {
    const decision = decideMembership(99_000, state({ live: [] }), { ...options, minWorkers: 2 });
    expect(decision).toEqual({ kind: 'wait', reason: 'waiting for 2 of 2 workers' });
  });

  it('says what those do who cannot take part yet', () => {
    const opens = (memberId: string, activity: 'compiling' | 'opening the run', forMs: number) =>
      member(memberId, { state: 'syncing', opening: { activity, forMs } });
    const alone = state({ live: [opens('a', 'compiling', 12_400)] });
    expect(decideMembership(0, alone, options)).toEqual({
      kind: 'wait',
      reason: 'compiling, 12 s so far: a',
    });
    const both = [opens('b', 'compiling', 300), opens('a', 'opening the run', 65_000)];
    const need = { ...options, minWorkers: 3 };
    expect(
      decideMembership(0, state({ live: both, absent: ': c last seen 9 s ago' }), need),
    ).toEqual({
      kind: 'wait',
      reason:
        'waiting for 1 of 3 workers: c last seen 9 s ago; compiling, 0 s so far: b; opening the run, 65 s so far: a',
    });
    const here = [member('a'), opens('b', 'compiling', 40_000), opens('c', 'compiling', 41_000)];
    expect(decideMembership(0, state({ live: here }), options).reason).toBe(
      '1 of 2 workers are here; compiling, 41 s so far: b, c',
    );
    const training = state({
      live: [member('a', { state: 'training' }), here[1]!],
      view: view('a'),
    });
    expect(decideMembership(0, training, options)).toEqual({
      kind: 'keep',
      reason: '1 of 2 workers; compiling, 40 s so far: b',
    });
    const quarantined = state({
      live: [opens('b', 'compiling', 1_000)],
      quarantined: new Set(['b']),
    });
    expect(decideMembership(0, quarantined, options).reason).toBe('waiting for a worker');
  });

  it('refuses a worker with other numerics and says why', () => {
    const other = member('b', { numerics: { ...numerics, kernels: 'avx2' } });
    const decision = decideMembership(0, state({ live: [member('a'), other] }), options);
    expect(decision.reason).toContain(
      "b is refused: its kernels is avx2, the run's is avx512_core_bf16",
    );
  });

  it('waits for no worker that it will refuse once that has opened the run', () => {
    const opens = (memberId: string, change: Partial<Numerics>): MemberInfo =>
      member(memberId, {
        state: 'syncing',
        opening: { activity: 'waiting for examples', forMs: 4_000 },
        numerics: { ...numerics, ...change },
      });
    const recorded = { ...numerics, fingerprint: '01' };
    const refused = [opens('c', { numThreads: 2 }), opens('d', { fingerprint: '02' })];
    const alone = state({ live: refused, numerics: recorded });
    const threads = "c is refused: its numThreads is 2, the run's is 1";
    const arithmetic = /; d is refused: same TensorFlow .* but its arithmetic differs/;
    const { reason } = decideMembership(0, alone, options);
    expect(reason).toMatch(arithmetic);
    expect(reason.startsWith(`waiting for a worker; ${threads}; d is refused`)).toBe(true);

    const seated = member('a', { state: 'training', numerics: recorded });
    const live = [seated, ...refused, opens('b', {})];
    const going = state({ live, numerics: recorded, view: view('a') });
    expect(decideMembership(0, going, { ...options, wantedWorkers: 4 }).reason).toMatch(
      /^1 of 4 workers; waiting for examples, 4 s so far: b; c is refused: .*; d is refused: /,
    );
    expect(classifyMembers(going).opening.map(({ memberId }) => memberId)).toEqual(['b']);
  });

  it('refuses a worker whose names are the same and whose arithmetic is not', () => {
    const [a, b, c] = ['a', 'b', 'c'].map((id) =>
      member(id, { numerics: { ...numerics, fingerprint: id === 'c' ? '02' : '01' } }),
    );
    const other = { ...c!, version: '0.9.0' };
    const decision = decideMembership(0, state({ live: [a!, b!, other] }), options);
    expect(decision).toMatchObject({ kind: 'publish', members: [a, b] });
    const going = state({ live: [a!, b!, other], view: view('a', 'b') });
    expect(decideMembership(0, going, options).reason).toBe(
      '2 workers; c (berth 0.9.0) is refused: same TensorFlow 2.21.0, avx512_core_bf16, 1 thread, but its ' +
        'arithmetic differs: another release of berth, another library or a faulty processor',
    );
  });

  it('takes a worker of another release that gives the same bits', () => {
    const same = { numerics: { ...numerics, fingerprint: '01' } };
    const live = [member('a', same), member('b', { ...same, version: '0.9.0' })];
    expect(decideMembership(0, state({ live }), options)).toMatchObject({
      kind: 'publish',
      members: live,
    });
  });

  it('holds newcomers to the fingerprint of the run, or of who is seated where none is recorded', () => {
    const print = (fingerprint: string): Partial<MemberInfo> => ({
      numerics: { ...numerics, fingerprint },
    });
    const live = [member('a', print('02')), member('b', print('01')), member('c')];
    const names = (given: Partial<MembershipState>): string[] => {
      const decision = decideMembership(99_000, state({ live, ...given }), options);
      return decision.kind === 'publish' ? decision.members.map(({ memberId }) => memberId) : [];
    };
    expect(names({ numerics: { ...numerics, fingerprint: '01' } })).toEqual(['b']);
    expect(names({ numerics })).toEqual(['a']);
    expect(names({ numerics, view: view('b', 'x') })).toEqual(['b']);
    expect(names({ numerics, view: view('c', 'x') })).toEqual(['c', 'a', 'b']);
  });

  it('goes on without a worker that it cannot read, and names it', () => {
    const unreadable = [{ memberId: 'z', problem: 'port: Invalid input' }];
    const going = state({ live: [member('a'), member('b')], unreadable, view: view('a', 'b') });
    expect(decideMembership(0, going, options)).toEqual({
      kind: 'keep',
      reason: '2 workers; z speaks another version: port: Invalid input',
    });
  });

  it('leaves workers of another run alone', () => {
    const busy = member('b', { runId: 'other' });
    expect(decideMembership(0, state({ live: [busy] }), options).kind).toBe('wait');
  });
});

describe('a worker', () => {
  it.each([
    ['is still opening the run', { state: 'syncing' }],
    ['leaves', { state: 'draining' }],
    ['has not heard of the run', { runId: null }],
  ] as const)('is not counted on while it %s', (_, change) => {
    const live = [member('a'), member('b', change)];
    expect(decideMembership(0, state({ live, view: view('a') }), options).kind).toBe('keep');
  });
});

describe('a view in force', () => {
  it('is kept while nothing changes', () => {
    const decision = decideMembership(
      0,
      state({ live: [member('a'), member('b')], view: view('a', 'b') }),
      options,
    );
    expect(decision.kind).toBe('keep');
  });

  it('is replaced at once when a member is lost', () => {
    const decision = decideMembership(
      0,
      state({ live: [member('a')], view: view('a', 'b') }),
      options,
    );
    expect(decision).toMatchObject({ kind: 'publish', reason: 'lost b' });
  });

  it('is not replaced below the minimum', () => {
    const decision = decideMembership(0, state({ live: [member('a')], view: view('a', 'b') }), {
      ...options,
      minWorkers: 2,
    });
    expect(decision.kind).toBe('wait');
  });

  it('takes in a newcomer', () => {
    const decision = decideMembership(
      0,
      state({ live: [member('a'), member('b'), member('c')], view: view('a', 'b') }),
      options,
    );
    expect(decision).toMatchObject({ kind: 'publish', reason: 'c joined' });
  });

  it('keeps its members when newcomers outnumber the virtual ranks', () => {
    const live = ['a', 'b', 'c', 'y', 'z'].map((id) => member(id));
    const decision = decideMembership(0, state({ live, view: view('c', 'y', 'z', 'b') }), options);
    expect(decision.kind).toBe('keep');
  });

  it('gives a complaint time to show who is dead, then tries again', () => {
    const live = [member('a', { complaint }), member('b')];
    const at = (nowMs: number) =>
      decideMembership(nowMs, state({ live, view: view('a', 'b'), complaintSinceMs: 0 }), options);
    expect(at(500)).toMatchObject({ kind: 'keep', reason: 'a at step 10: b is missing' });
    expect(at(1_000)).toMatchObject({
      kind: 'publish',
      reason: 'trying again: a at step 10: b is missing',
    });
  });

  it('is replaced once a worker leaves in order', () => {
    const live = [member('a'), member('b', { state: 'draining' })];
    const decision = decideMembership(0, state({ live, view: view('a', 'b') }), options);
    expect(decision).toMatchObject({ kind: 'publish', reason: 'left by b' });
  });

  it('has one member at most that the others cannot dial, unless there is a relay', () => {
    const isReachable = false as const;
    const live = [member('a', { isReachable }), member('b'), member('c', { isReachable })];
    const decision = decideMembership(0, state({ live, view: view('a', 'b') }), options);
    expect(decision).toMatchObject({
      kind: 'keep',
      reason: expect.stringMatching(/; c is refused: neither it nor a can be dialled/),
    });
    const relayed = state({ live, view: view('a', 'b'), hasRelay: true });
    expect(decideMembership(0, relayed, options)).toMatchObject({
      kind: 'publish',
      reason: 'c joined',
    });
  });

  it('ignores a complaint about an older view', () => {
    const live = [member('a', { complaint: { ...complaint, viewVersion: 2 } }), member('b')];
    const decision = decideMembership(
      9_999,
      state({ live, view: view('a', 'b'), complaintSinceMs: 0 }),
      options,
    );
    expect(decision).toEqual({ kind: 'keep', reason: '2 workers' });
  });

  it('is replaced when the run is to be saved', () => {
    const decision = decideMembership(
      0,
      state({ live: [member('a')], view: view('a'), mode: 'save' }),
      options,
    );
    expect(decision).toMatchObject({ kind: 'publish', reason: 'saving a checkpoint' });
  });
});

describe('stragglers', () => {
  it('are named with their times', () => {
    const live = [member('a', { rankMs: 10 }), member('b', { rankMs: 40 }), member('c')];
    expect(decideMembership(0, state({ live, view: view('a', 'b', 'c') }), options).reason).toBe(
      '3 workers; b takes 40 ms for a virtual rank, the others 10 ms',
    );
  });
});

describe('numerics', () => {
  it('differ by any part', () => {
    expect(numericsDifference(numerics, { ...numerics })).toBeUndefined();
    expect(numericsDifference(numerics, { ...numerics, numThreads: 2 })).toBe(
      "its numThreads is 2, the run's is 1",
    );
  });
});
