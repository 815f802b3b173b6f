import type { View } from '@berth/contracts';
import type { RunRules, RunSnapshot } from '../run/run-state.ts';
import { liveMember } from './live-member.ts';

/** Rules of a run of 100 steps and two workers, as production has the times. */
export const runRules: RunRules = {
  numSteps: 100,
  minWorkers: 1,
  wantedWorkers: 2,
  virtualRanks: 4,
  joinTimeoutMs: 20_000,
  lostGraceMs: 30,
  complaintGraceMs: 1_000,
  patientAttempts: 3,
  maxAttemptsPerStep: 30,
  stepTimeoutMs: 600_000,
  restGraceMs: 3_000,
};

/** A view of run `r` from step 5 on, with virtual ranks for nobody. */
export function viewOf(memberIds: readonly string[], change: Partial<View> = {}): View {
  const members = memberIds.map((memberId) => ({ memberId, host: 'h', port: 1, blocks: [] }));
  const place = { runId: 'r', fencingEpoch: 1, version: 3, fromStep: 5 };
  return { ...place, mode: 'train', reason: '', members, ...change };
}

/** Run `r` after ten steps of `a` and `b`, as its coordinator sees it. */
export function runSnapshot(change: Partial<RunSnapshot> = {}): RunSnapshot {
  return {
    runId: 'r',
    status: 'running',
    wantsCheckpoint: false,
    savedStep: 0,
    numerics: undefined,
    numCommitted: 10,
    isSaved: false,
    isEvaluated: false,
    view: viewOf(['a', 'b']),
    fencingEpoch: 1,
    serverEpoch: 1,
    hasRelay: false,
    live: [liveMember('a'), liveMember('b')],
    unreadable: [],
    ...change,
  };
}
