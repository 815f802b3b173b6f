import {
  plainEngine,
  type MemberInfo,
  type Numerics,
  type View,
  type WorkerReport,
} from '@berth/contracts';
import {
  isAlive,
  knownDifference,
  numericsDifference,
  paceAmong,
  type Pace,
} from '@berth/protocol';

/** A member as its heartbeats show it. */
export interface SeenMember {
  readonly info: MemberInfo;
  /** Time since its last heartbeat. */
  readonly ageMs: number;
}

/** What is known when workers are described. */
export interface WorkerSnapshot {
  readonly members: readonly SeenMember[];
  readonly view: View | undefined;
  /** Committed steps of the view's run. */
  readonly numCommitted: number;
  /** What that run requires of its members, once it is decided. */
  readonly numerics?: Numerics | undefined;
}

/** Describes members, those of the view by rank first, then the others by id. */
export function describeWorkers(snapshot: WorkerSnapshot): WorkerReport[] {
  const membersOfView = snapshot.view?.members ?? [];
  const ranks = new Map(membersOfView.map(({ memberId }, rank) => [memberId, rank]));
  const seated = snapshot.members
    .map(({ info }) => info)
    .filter((info) => ranks.has(info.memberId));
  return snapshot.members
    .map((member) => describe(member, ranks.get(member.info.memberId), seated, snapshot))
    .sort(
      (a, b) =>
        (a.rank ?? Infinity) - (b.rank ?? Infinity) || (a.memberId < b.memberId ? -1 : 1) || 0,
    );
}

function describe(
  { info, ageMs }: SeenMember,
  rank: number | undefined,
  seated: readonly MemberInfo[],
  { view, numCommitted, numerics: required }: WorkerSnapshot,
): WorkerReport {
  const isMember = rank !== undefined;
  const belongs = isMember || (view !== undefined && info.runId === view.runId);
  const lag = belongs && info.step >= 0 ? Math.max(0, numCommitted - info.step) : 0;
  const { numerics, rankMs } = info;
  const difference = info.opening === undefined ? numericsDifference : knownDifference;
  const refusal =
    required !== undefined && info.runId !== null && info.runId === view?.runId
      ? difference(required, numerics)
      : undefined;
  const pace = isMember ? paceAmong(seated, info) : undefined;
  return {
    memberId: info.memberId,
    rank: rank ?? null,
    hostname: info.hostname,
    host: info.host,
    port: info.port,
    isReachable: info.isReachable !== false,
    pid: info.pid,
    device: deviceOf(info),
    kernels: numerics.kernels,
    numThreads: numerics.numThreads,
    version: info.version ?? null,
    engine: info.engine ?? plainEngine,
    clockAheadMs: info.clockAheadMs ?? null,
    linkBitsPerSecond: info.linkBitsPerSecond ?? null,
    ...stateOf(info, { isMember, ageMs, lag, pace, refusal }),
    runId: info.runId ?? (isMember ? (view?.runId ?? null) : null),
    blocks: isMember ? (view?.members[rank]?.blocks ?? []) : [],
    step: info.step,
    lag,
    heartbeatAgeMs: ageMs,
    lastSeenAtMs: null,
    rankMs,
    paceRatio: pace?.ratio ?? null,
    residentBytes: info.residentBytes ?? null,
    startedAtMs: info.startedAtMs,
    lastLines: [],
  };
}

function deviceOf({ role, numerics: { device, kernels } }: MemberInfo): string {
  if (role === 'data') return 'none: data only';
  return device === 'cpu' ? 'CPU' : `${device}: ${kernels}`;
}

function drainText(reason: string | undefined, isMember: boolean): string {
  const why = reason === undefined ? 'it was told to end' : `told to leave: ${reason}`;
  return isMember ? `${why}; it leaves after the step under way` : why;
}

interface Standing {
  readonly isMember: boolean;
  readonly ageMs: number;
  readonly lag: number;
  readonly pace: Pace | undefined;
  /** Why its arithmetic is not the run's. */
  readonly refusal: string | undefined;
}

function stateOf(
  { role, state, drain, complaint, runId, opening }: MemberInfo,
  { isMember, ageMs, lag, pace, refusal }: Standing,
): Pick<WorkerReport, 'state' | 'reason'> {
  if (!isAlive({ ageMs }))
    return { state: 'stale', reason: `no heartbeat for ${(ageMs / 1_000).toFixed(1)} s` };
  if (drain !== undefined || state === 'draining')
    return { state: 'draining', reason: drainText(drain?.reason, isMember) };
  if (role === 'data') return { state: 'idle', reason: 'makes data, and never trains' };
  if (!isMember) {
    if (complaint !== null) return { state: 'refused', reason: complaint.error.message };
    if (refusal !== undefined) return { state: 'refused', reason: refusal };
    if (opening !== undefined) {
      const { activity, forMs } = opening;
      return { state: 'syncing', reason: `${activity}, ${Math.round(forMs / 1_000)} s so far` };
    }
    return {
      state: 'idle',
      reason: runId === null ? 'no run needs it' : `ready, not needed by run ${runId} now`,
    };
  }
  if (state !== 'training')
    return {
      state: 'syncing',
      reason: `gets the weights: ${lag} ${lag === 1 ? 'step' : 'steps'} to go`,
    };
  if (complaint !== null) return { state: 'active', reason: complaint.error.message };
  if (pace?.isStraggling === true)
    return {
      state: 'straggling',
      reason: `takes ${pace.ratio.toFixed(1)} times as long as the others`,
    };
  return { state: 'active', reason: 'trains' };
}
