import type { DoneFault } from './done-fault.ts';
import type { IncomingMessage } from 'node:http';
import { damageFrame } from '@berth/collectives';
import { BerthError, numStateSlices } from '@berth/contracts';
import { orderFault, type HttpFault, type HttpFaultChoice, type TcpProxy } from '@berth/faults';
import { connectRedis } from '@berth/queue';
import type { ClusterProcess } from '@berth/launch';
import { crashLoop } from './crash-loop.ts';
import { killWhileSpooled } from './kill-while-spooled.ts';
import { mixReleases } from './mixed-release.ts';
import type { FaultKind, PlannedFault } from './plan.ts';
import type { RunWatch } from './run-watch.ts';
import { signal } from './signal.ts';
import { stepClock } from './step-clock.ts';
import type { Testbed } from './testbed.ts';

export interface FaultTimes {
  /** How long a process or Redis stands still, and how long peers and the store are slow. */
  readonly pauseMs: number;
  readonly redisOutageMs: number;
  readonly storeOutageMs: number;
  /** How long one request to the store hangs before it goes on. */
  readonly storeStallMs: number;
}

/** Faults that need somebody left to go on without the victim. */
export const needsTwoMembers: ReadonlySet<FaultKind> = new Set<FaultKind>([
  'worker-kill',
  'worker-pause',
  'worker-leave',
  'device-hang',
  'crash-loop',
  'state-flip',
  'coordinator-and-worker-kill',
  'store-outage-and-worker-kill',
  'peer-cut',
  'peer-freeze',
  'peer-slow',
  'contribution-corrupt',
  'reduced-corrupt',
]);

const slowPeerMs = 20;
const slowStoreMs = 500;
/** What does most harm when it arrives late. */
const stalledRequests: readonly ((request: IncomingMessage) => boolean)[] = [
  ({ method, url }) => method === 'PUT' && url?.includes('.manifest.json') === true,
  ({ method }) => method === 'DELETE',
  ({ method, url }) => method === 'GET' && url?.includes('list-type=2') === true,
];
const anyCommit = (): boolean => true;

/** Does a fault to a testbed of ours. Returns when it is done, not when the run has recovered. */
export async function commitFault(
  { kind, target }: PlannedFault,
  testbed: Testbed,
  watch: RunWatch,
  times: FaultTimes,
): Promise<DoneFault> {
  const { cluster, disturb } = testbed;
  const done = (isRecovery: DoneFault['isRecovery'] = anyCommit): DoneFault => ({
    sinceMs: Date.now(),
    isRecovery,
  });
  const without = ({ id }: ClusterProcess): DoneFault =>
    done(({ members }) => !members.includes(id));
  const laterView = (): DoneFault => {
    const version = watch.view?.version ?? 0;
    return done(({ viewVersion }) => viewVersion > version);
  };
  switch (kind) {
    case 'worker-kill': {
      const victim = memberAt(testbed, watch, target);
      signal(victim, 'SIGKILL');
      return without(victim);
    }
    case 'worker-pause': {
      const victim = memberAt(testbed, watch, target);
      signal(victim, 'SIGSTOP');
      setTimeout(() => signal(victim, 'SIGCONT'), times.pauseMs);
      return without(victim);
    }
    case 'worker-leave': {
      const victim = memberAt(testbed, watch, target);
      signal(victim, 'SIGTERM');
      return without(victim);
    }
    case 'device-hang': {
      const victim = memberAt(testbed, watch, target);
      await orderFault(testbed.faultDoor, victim.pid, { kind });
      return without(victim);
    }
    case 'state-flip': {
      const victim = memberAt(testbed, watch, target);
      await orderFault(testbed.faultDoor, victim.pid, { kind, place: target });
      return foundOrForgotten(watch);
    }
    case 'crash-loop':
      return without(await crashLoop(memberAt(testbed, watch, target), testbed, watch));
    case 'coordinator-kill': {
      const victim = leadingCoordinator(testbed, watch);
      signal(victim, 'SIGKILL');
      const killed = done();
      await watch.until(() => watch.leaderId !== victim.id, 'another coordinator');
      return { ...killed, tookMs: Date.now() - killed.sinceMs };
    }
    case 'coordinator-and-worker-kill': {
      const victim = memberAt(testbed, watch, target);
      signal(leadingCoordinator(testbed, watch), 'SIGKILL');
      signal(victim, 'SIGKILL');
      return without(victim);
    }
    case 'redis-kill':
      await embedded(disturb.redis).kill(times.redisOutageMs);
      return done();
    case 'redis-pause':
      await embedded(disturb.redis).pause(times.pauseMs);
      return done();
    case 'redis-flush': {
      const connection = await connectRedis(testbed.services.redisUrl, { role: 'producer' });
      await connection.call((client) => client.flushall());
      connection.close();
      return done();
    }
    case 'redis-rollback':
      await embedded(disturb.redis).rollBack(times.pauseMs);
      return done();
    case 'replica-promoted':
      await embedded(disturb.redis).promoteReplica(times.pauseMs);
      return done();
    case 'clock-step':
      return stepClock(embedded(testbed.redisClock), watch, target % 2 === 0 ? 1 : -1);
    case 'store-outage':
      // Training goes on meanwhile, and so do the other faults.
      embedded(disturb.interruptStore)(times.storeOutageMs).catch(() => undefined);
      return done();
    case 'store-outage-and-worker-kill':
      return done(await killWhileSpooled(testbed, watch, times));
    case 'store-slow':
      disturbStore(testbed, times, () => ({ delayMs: slowStoreMs }));
      return done();
    case 'store-lost-reply':
      disturbStore(
        testbed,
        times,
        everyOther('loseReply', () => true),
      );
      return done();
    case 'store-bit-flip':
      disturbStore(
        testbed,
        times,
        everyOther('flipBit', ({ method }) => method === 'GET'),
      );
      return done();
    case 'store-stall': {
      let isHeld = false;
      const kind = stalledRequests[target % stalledRequests.length]!;
      void testbed.holdStoreRequest(kind, times.storeStallMs).then(() => (isHeld = true));
      await watch.until(() => isHeld || watch.isOver, 'a request to hold');
      return done();
    }
    case 'peer-cut':
      proxyOf(testbed, memberAt(testbed, watch, target)).disturb('cut');
      return laterView();
    case 'peer-freeze':
      proxyOf(testbed, memberAt(testbed, watch, target)).disturb('freeze');
      return laterView();
    case 'contribution-corrupt':
    case 'reduced-corrupt': {
      const type = kind === 'reduced-corrupt' ? 'reduced' : 'contribution';
      const proxy = proxyOf(testbed, memberAt(testbed, watch, target));
      proxy.damage((piece) => damageFrame(piece, type));
      return laterView();
    }
    case 'peer-slow': {
      const proxy = proxyOf(testbed, memberAt(testbed, watch, target));
      proxy.setDelay(slowPeerMs);
      setTimeout(() => proxy.setDelay(0), times.pauseMs);
      return done();
    }
    case 'mixed-release':
      await mixReleases(testbed, watch);
      return done();
    case 'all-kill': {
      const processes = [...cluster.workers(), ...cluster.coordinators()];
      for (const victim of processes) signal(victim, 'SIGKILL');
      await embedded(disturb.redis).kill();
      return done();
    }
  }
}

/** A damaged state is found, and another view begins, or the damage was rounded away before all slices were compared. */
function foundOrForgotten({ view, numCommitted }: RunWatch): DoneFault {
  const version = view?.version ?? 0;
  return {
    sinceMs: Date.now(),
    isRecovery: (entry) =>
      entry.viewVersion > version || entry.step > numCommitted + numStateSlices + 1,
  };
}

/** A member of the view in force; the coordinator may not know yet that one is gone. */
function memberAt({ cluster }: Testbed, watch: RunWatch, target: number): ClusterProcess {
  const members = holders(cluster.workers(), watch);
  const victim = members[target % Math.max(1, members.length)];
  if (victim !== undefined) return victim;
  throw new BerthError('RUN_FAILED', 'No worker is in the view: there is nobody to disturb');
}

/** The running workers that made the newest step and are still in the view: those that hold the weights. */
export function holders(
  workers: readonly ClusterProcess[],
  { view, newest }: RunWatch,
): ClusterProcess[] {
  return workers.filter(
    ({ id }) =>
      newest?.members.includes(id) === true &&
      view?.members.some(({ memberId }) => memberId === id),
  );
}

function leadingCoordinator({ cluster }: Testbed, { leaderId }: RunWatch): ClusterProcess {
  const running = cluster.coordinators();
  const leader = running.find(({ id }) => id === leaderId) ?? running[0];
  if (leader !== undefined) return leader;
  throw new BerthError('RUN_FAILED', 'No coordinator runs: there is none to kill');
}

function proxyOf({ peers }: Testbed, { index }: ClusterProcess): TcpProxy {
  return peers[index]!;
}

function disturbStore(testbed: Testbed, { pauseMs }: FaultTimes, choose: HttpFaultChoice): void {
  testbed.setStoreFaults(choose);
  setTimeout(() => testbed.setStoreFaults(() => 'pass'), pauseMs);
}

/** For every other request that matches, so that one that is repeated passes. */
function everyOther(
  fault: HttpFault,
  matches: (request: IncomingMessage) => boolean,
): HttpFaultChoice {
  let isDue = false;
  return (request) => {
    if (!matches(request)) return 'pass';
    isDue = !isDue;
    return isDue ? fault : 'pass';
  };
}

function embedded<T>(disturbance: T | undefined): T {
  if (disturbance !== undefined) return disturbance;
  throw new BerthError('USAGE', 'Only embedded services can be disturbed');
}
