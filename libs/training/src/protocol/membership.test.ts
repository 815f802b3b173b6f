import type { Complaint, MemberInfo, View } from '@berth/contracts';
import { describe, expect, it } from 'vitest';
import {
  decideMembership,
  numericsDifference,
  type MembershipOptions,
  type MembershipState,
} from './membership.ts';

const options: MembershipOptions = {
  minWorkers: 1,
  wantedWorkers: 2,
  virtualRanks: 4,
  joinTimeoutMs: 20_000,
  complaintGraceMs: 1_000,
};

const numerics = {
  tensorflow: '2.21.0',
  device: 'cpu',
  kernels: 'avx512_core_bf16',
  numThreads: 1,
};

function member(memberId: string, change: Partial<MemberInfo> = {}): MemberInfo {
  return {
    memberId,
    host: '127.0.0.1',
    port: 1,
    pid: 1,
    hostname: 'h',
    numerics,
    startedAtMs: 0,
    state: 'idle',
    runId: 'r',
    step: -1,
    complaint: null,
    ...change,
  };
}

function view(...memberIds: string[]): View {
  return {
    runId: 'r',
    fencingEpoch: 1,
    version: 3,
    fromStep: 10,
    mode: 'train',
    reason: '',
    members: memberIds.map((memberId) => ({ memberId, host: '127.0.0.1', port: 1, blocks: [] })),
  };
}

function state(change: Partial<MembershipState>): MembershipState {
  return {
    runId: 'r',
    live: [],
    view: undefined,
    numerics: undefined,
    waitingSinceMs: 0,
    complaintSinceMs: undefined,
    mode: 'train',
    ...change,
  };
}

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

  it('refuses a worker with other numerics and says why', () => {
    const other = member('b', { numerics: { ...numerics, kernels: 'avx2' } });
    const decision = decideMembership(0, state({ live: [member('a'), other] }), options);
    expect(decision.reason).toContain(
      "b is refused: its kernels is avx2, the run's is avx512_core_bf16",
    );
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
    expect(decision).toMatchObject({ kind: 'publish', reason: 'changing to save' });
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
