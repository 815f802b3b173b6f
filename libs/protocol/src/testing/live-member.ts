import type { MemberInfo } from '@berth/contracts';

/** A member that trains in run `r` and holds step 10, as its heartbeat tells. */
export function liveMember(memberId: string, change: Partial<MemberInfo> = {}): MemberInfo {
  return {
    memberId,
    host: 'h',
    port: 1,
    pid: 1,
    hostname: 'h',
    numerics: { tensorflow: '2', device: 'cpu', kernels: 'k', numThreads: 1 },
    startedAtMs: 0,
    state: 'training',
    runId: 'r',
    step: 10,
    complaint: null,
    rankMs: null,
    ...change,
  };
}
