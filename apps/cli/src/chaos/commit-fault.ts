import { BerthError } from '@berth/contracts';
import { connectRedis } from '@berth/queue';
import type { Cluster } from '../cluster.ts';
import type { PlannedFault } from './plan.ts';

const pauseMs = 5_000;

/** Does a fault to a cluster of ours. Returns when it is done, not when the cluster has recovered. */
export async function commitFault(
  { kind, target }: PlannedFault,
  cluster: Cluster,
  options: { readonly storeOutageMs: number },
): Promise<void> {
  switch (kind) {
    case 'worker-kill':
      signal(chosen(cluster.workerPids(), target), 'SIGKILL');
      return;
    case 'worker-pause': {
      const pid = chosen(cluster.workerPids(), target);
      signal(pid, 'SIGSTOP');
      setTimeout(() => signal(pid, 'SIGCONT'), pauseMs);
      return;
    }
    case 'coordinator-kill':
      signal(cluster.coordinatorPid(), 'SIGKILL');
      return;
    case 'redis-kill':
      await embedded(cluster.disturb.killRedis)();
      return;
    case 'redis-flush': {
      const connection = await connectRedis(cluster.services.redisUrl, { role: 'producer' });
      await connection.call((client) => client.flushall());
      connection.close();
      return;
    }
    case 'store-outage': {
      // Training goes on meanwhile, and so do the other faults.
      const outage = embedded(cluster.disturb.interruptStore)(options.storeOutageMs);
      outage.catch(() => undefined);
    }
  }
}

function chosen(pids: readonly number[], target: number): number | undefined {
  return pids[target % Math.max(1, pids.length)];
}

/** A process that has died by itself meanwhile needs no signal. */
function signal(pid: number | undefined, name: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(pid, name);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

function embedded<T>(disturbance: T | undefined): T {
  if (disturbance !== undefined) return disturbance;
  throw new BerthError('USAGE', 'Only embedded services can be disturbed');
}
