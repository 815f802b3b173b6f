import type { Fault, PlannedFault } from './faults.ts';
import type { RedisSnapshots } from './redis-snapshots.ts';
import type { SimCluster } from './sim-cluster.ts';
import type { SimOperator } from './sim-operator.ts';
import type { World } from './world.ts';

export interface FaultPorts {
  readonly world: World;
  readonly cluster: SimCluster;
  readonly snapshots: RedisSnapshots;
  readonly operator: SimOperator;
}

type LastingFault = Extract<Fault, { readonly forMs: number }>;

const comesBackOlder: readonly Fault['kind'][] = ['redis-rollback', 'replica-promoted'];
const takesEvidenceAway: ReadonlySet<Fault['kind']> = new Set<Fault['kind']>([
  'kill-member',
  'kill-all-members',
  'leave-member',
  'leave-all-members',
  'pause-member',
  'kill-run',
  'rewind-run',
  'device-hang',
  'crash-loop',
  'redis-flush',
  ...comesBackOlder,
]);
const forgets: ReadonlySet<Fault['kind']> = new Set<Fault['kind']>([
  'redis-flush',
  ...comesBackOlder,
]);
/** A crash loop lasts longer than other faults. */
const crashLoopLength = 4;
const redisRestartMs = 200;
/** Until an engine has started workers in the place of those that it has told to leave. */
const anotherStartMs = 3_000;

/** Whether some fault of a plan makes Redis come back older. */
export function needsSnapshots(plan: readonly PlannedFault[]): boolean {
  return plan.some(({ kind }) => comesBackOlder.includes(kind));
}

/** When the consequences of a fault have begun. */
export function endOf(fault: PlannedFault): number {
  return fault.atMs + (fault.kind === 'crash-loop' ? crashLoopLength * fault.forMs : 0);
}

/** Does a fault, or lays it in wait for the next message of its kind. */
export function commitFault(ports: FaultPorts, fault: Fault): void {
  const { world } = ports;
  switch (fault.kind) {
    case 'call':
      world.waitingCallFaults.push(fault.fault);
      return;
    case 'frame':
      world.waitingFrameFaults.push(fault.fault);
      return;
    case 'store-stall':
      world.waitingStalls.push(fault);
      return;
    case 'clock-step':
      world.trace.note('----', `the clock of Redis is set by ${fault.byMs.toFixed(0)} ms`);
      world.redisClockMs += fault.byMs;
      return;
    default:
      commitLasting(ports, fault);
  }
}

function commitLasting(
  { world, cluster, snapshots, operator }: FaultPorts,
  { kind, forMs }: LastingFault,
): void {
  const { clock, redis, store, random, trace, invariants } = world;
  const member = random.pick(cluster.members);
  const coordinator = random.pick(cluster.coordinators);
  // With the states of those who worked with a damaged one goes the evidence: ADR 0031.
  if (invariants.isDamaged && takesEvidenceAway.has(kind)) return;
  // An epoch from a clock that has been set back since is known to nobody, once Redis and all who saw it have gone: ADR 0033.
  const latestMs = world.timeMs + Math.max(0, world.redisClockMs);
  if (forgets.has(kind) && redis.lease.lastEpoch > latestMs) return;
  const target = kind.endsWith('coordinator') ? coordinator : member;
  trace.note('----', `${kind} ${target?.process.name ?? ''} for ${forMs.toFixed(0)} ms`);
  switch (kind) {
    case 'kill-member':
      member?.kill();
      cluster.restart(member, forMs);
      return;
    case 'kill-all-members':
      for (const living of cluster.members) {
        living.kill();
        cluster.restart(living, forMs);
      }
      return;
    case 'pause-member':
      member?.process.pause();
      clock.after(forMs, () => member?.process.resume());
      return;
    case 'leave-member':
      member?.leave();
      cluster.restart(member, forMs);
      return;
    case 'leave-all-members':
      for (const living of cluster.members) {
        living.process.after(random.between(0, forMs), () => living.leave());
        cluster.restart(living, forMs + anotherStartMs);
      }
      return;
    case 'device-hang':
      member?.hang(() => cluster.restart(member));
      return;
    case 'crash-loop':
      if (member !== undefined) cluster.crashAgainAndAgain(member, crashLoopLength * forMs);
      return;
    case 'join-member':
      cluster.startMember();
      return;
    case 'mixed-release': {
      const other = cluster.startMember({ release: 'other bits' });
      clock.after(forMs, () => other?.kill());
      return;
    }
    case 'state-flip': {
      // A run that is about to be killed has nobody who would find it.
      if (redis.record.requests.kill) return;
      if (member === undefined || member.process.isPaused) return;
      // Somebody else holds the same, so that it can be compared.
      const isWatched = cluster.members.some((one) => one !== member && one.holdsSameAs(member));
      if (isWatched) member.flipState(cluster.members);
      return;
    }
    case 'kill-coordinator':
      coordinator?.process.kill();
      clock.after(forMs, () => cluster.startCoordinator());
      return;
    case 'pause-coordinator':
      coordinator?.process.pause();
      clock.after(forMs, () => coordinator?.process.resume());
      return;
    case 'redis-away':
      world.isRedisAway = true;
      clock.after(forMs, () => (world.isRedisAway = false));
      return;
    case 'redis-flush':
      redis.flush();
      invariants.lost();
      return;
    case 'redis-rollback':
      snapshots.comeBackOlder(forMs);
      world.isRedisAway = true;
      clock.after(redisRestartMs, () => (world.isRedisAway = false));
      return;
    case 'replica-promoted':
      snapshots.comeBackOlder(forMs);
      return;
    case 'notes-lost':
      redis.notes.flush();
      return;
    case 'store-away':
      store.isAway = true;
      clock.after(forMs, () => (store.isAway = false));
      return;
    case 'stop-run':
      operator.control('stop');
      return;
    case 'pause-run':
      operator.control('pause');
      return;
    case 'kill-run':
      operator.control('kill');
      return;
    case 'checkpoint-run':
      operator.control('checkpoint');
      return;
    case 'rewind-run':
      operator.rewind();
  }
}
