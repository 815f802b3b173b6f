import type { Complaint, View, WireError } from '@berth/contracts';
import { describe, expect, it } from 'vitest';
import { votesDiverged } from '../member/divergence.ts';
import { liveMember } from '../testing/live-member.ts';
import { runRules, runSnapshot, viewOf as viewOfMembers } from '../testing/run-snapshot.ts';
import { decideRun } from './run.ts';
import { newRunMemory, type RunMemory, type RunRules, type RunSnapshot } from './run-state.ts';

const rules: RunRules = {
  ...runRules,
  wantedWorkers: 3,
  virtualRanks: 8,
  joinTimeoutMs: 10,
  lostGraceMs: 0,
  complaintGraceMs: 0,
  stepTimeoutMs: 1_000,
};
const memberIds = ['a', 'b', 'c'];

const viewOf = (version: number, fromStep: number): View =>
  viewOfMembers(memberIds, { version, fromStep, reason: 'x' });

function snapshotOf(view: View, numCommitted: number, error: WireError | undefined): RunSnapshot {
  const complaint: Complaint | null =
    error === undefined
      ? null
      : { viewVersion: view.version, step: numCommitted, suspects: [], error };
  const live = memberIds.map((memberId) =>
    liveMember(memberId, { state: 'idle', step: numCommitted, complaint }),
  );
  return runSnapshot({ numCommitted, view, live });
}

function decide(snapshot: RunSnapshot, memory: RunMemory = newRunMemory(0)) {
  return decideRun(1_000, memory, snapshot, rules);
}

const stateError = (agreedStep: number): WireError => {
  const votes = ['a', 'b', 'c'].map((memberId) => ({
    memberId,
    facts: 'f',
    stateDigest: memberId === 'c' ? 'y' : 'x',
  }));
  const error = votesDiverged(20, votes);
  return { ...error, details: { agreedStep, ...error.details } };
};

describe('states that differ', () => {
  it('take the run back when steps were committed since all agreed', () => {
    const decision = decide(snapshotOf(viewOf(3, 10), 20, stateError(10)));
    expect(decision).toMatchObject({ kind: 'goBack', diverged: { code: 'STATE_DIVERGED' } });
    expect(decision.reason).toMatch(/c has a damaged state; all agreed at step 10 last/);
  });

  it('heal in another view when none was', () => {
    const decision = decide(snapshotOf(viewOf(3, 20), 20, stateError(20)));
    expect(decision).toMatchObject({ kind: 'publish', diverged: { code: 'STATE_DIVERGED' } });
  });
});

describe('gradients that differ', () => {
  const facts = (memberId: string, facts: string) => ({ memberId, facts, stateDigest: 's' });
  const gradientError = votesDiverged(20, [facts('a', 'f'), facts('b', 'f'), facts('c', 'g')]);

  it('cost one attempt, and end the run the second time at the same step', () => {
    const first = decide(snapshotOf(viewOf(3, 20), 20, gradientError));
    expect(first.kind).toBe('publish');
    const again = decide(snapshotOf(viewOf(3, 20), 20, gradientError), first.memory);
    expect(again.kind).toBe('publish');
    const second = decide(snapshotOf(viewOf(4, 20), 20, gradientError), again.memory);
    expect(second).toMatchObject({ kind: 'fail', error: { code: 'LEDGER_DIVERGED' } });
    expect(second.reason).toMatch(/a, b: f; c: g, for the second time/);
  });

  it('cost one attempt at another step', () => {
    const first = decide(snapshotOf(viewOf(3, 20), 20, gradientError));
    const other = { ...gradientError, details: { ...gradientError.details, step: 21 } };
    expect(decide(snapshotOf(viewOf(4, 21), 21, other), first.memory).kind).toBe('publish');
  });

  it('from any number end the run with what they are, once states were compared', () => {
    const error: WireError = {
      code: 'COLLECTIVE_PROTOCOL',
      message: 'gradient norm NaN',
      details: { divergence: 'finite', step: 20 },
    };
    const first = decide(snapshotOf(viewOf(3, 20), 20, error));
    expect(first.kind).toBe('publish');
    expect(decide(snapshotOf(viewOf(4, 20), 20, error), first.memory)).toMatchObject({
      kind: 'fail',
      error: { code: 'NUMERICS_NOT_FINITE', message: 'gradient norm NaN' },
    });
  });
});
