import type { MemberInfo, Numerics, View } from '@berth/contracts';
import type { MembershipOptions, MembershipState } from '../run/membership-state.ts';
import { liveMember } from './live-member.ts';
import { viewOf } from './run-snapshot.ts';

export const membershipOptions: MembershipOptions = {
  minWorkers: 1,
  wantedWorkers: 2,
  virtualRanks: 4,
  joinTimeoutMs: 20_000,
  lostGraceMs: 30,
  complaintGraceMs: 1_000,
  patientAttempts: 3,
};

export const numerics: Numerics = {
  tensorflow: '2.21.0',
  device: 'cpu',
  kernels: 'avx512_core_bf16',
  numThreads: 1,
};

/** A member that is ready and holds nothing yet. */
export function idleMember(memberId: string, change: Partial<MemberInfo> = {}): MemberInfo {
  return liveMember(memberId, { numerics, state: 'idle', step: -1, ...change });
}

/** View 3, from step 10 on. */
export function viewFrom10(...memberIds: string[]): View {
  return viewOf(memberIds, { fromStep: 10 });
}

/** A run at which nobody is there. */
export function membershipState(change: Partial<MembershipState>): MembershipState {
  return {
    runId: 'r',
    live: [],
    unreadable: [],
    view: undefined,
    numerics: undefined,
    hasRelay: false,
    waitingSinceMs: 0,
    complaintSinceMs: undefined,
    numAttempts: 1,
    quarantined: new Set(),
    onProbation: new Set(),
    isMidStep: false,
    leftOut: '',
    mode: 'train',
    repeats: undefined,
    absent: '',
    ...change,
  };
}
