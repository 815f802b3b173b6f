import { once } from 'node:events';
import { startCluster } from '@berth/launch';
import { findCoordinator, whenFree } from '../cluster-access.ts';
import type { Context } from '../context.ts';
import { BerthError } from '@berth/contracts';

export interface UpOptions {
  readonly workers: number;
  readonly coordinators: number;
  readonly threads: number;
  readonly port: number;
  /** Address of this machine at which workers of other machines reach it. */
  readonly reach?: string;
}

/** `berth up`: services, coordinator and workers on this machine, until Ctrl-C. */
export async function up(context: Context, options: UpOptions): Promise<void> {
  const cluster = await whenFree(context, async () =>
    findCoordinator(context) === undefined
      ? startCluster({
          ...context,
          numWorkers: options.workers,
          numThreads: options.threads,
          numCoordinators: options.coordinators,
          httpPort: options.port,
          reach: options.reach,
        })
      : undefined,
  );
  if (cluster === undefined)
    throw new BerthError(
      'RUN_STATE_CONFLICT',
      `A cluster already runs: ${findCoordinator(context)?.link('/')}`,
    );
  context.say(
    `berth is up with ${options.workers} worker${options.workers === 1 ? '' : 's'}; Ctrl-C stops it. Its dashboard, for whoever has this link:\n  ${cluster.client.link('/')}`,
  );
  if (options.reach !== undefined)
    context.say(
      `workers of other machines join with ${context.folder}/join.env: ${context.berth} worker --host <their address> --env join.env`,
    );
  context.say(`next: start a run there, or by ${context.berth} train <run.yaml>`);
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  process.once('SIGTERM', () => stop.abort());
  await once(stop.signal, 'abort');
  context.say(
    'stopping; the run that trains is saved first, and goes on from there when you come back',
  );
  await cluster.close();
}
