import { BerthError, type Services } from '@berth/contracts';
import { findCluster, startCluster, type Cluster } from './cluster.ts';
import type { Context } from './context.ts';
import { createCoordinatorClient, type CoordinatorClient } from './coordinator-client.ts';
import { startServices } from './services.ts';

/** The coordinator to talk to: named by BERTH_COORDINATOR_URL, or of the cluster that runs from our folder. */
export function findCoordinator(context: Context): CoordinatorClient | undefined {
  const url = context.env['BERTH_COORDINATOR_URL'] ?? findCluster(context.folder)?.coordinatorUrl;
  return url === undefined
    ? undefined
    : createCoordinatorClient(url, context.env['BERTH_API_TOKEN']);
}

export function requireCoordinator(context: Context): CoordinatorClient {
  const client = findCoordinator(context);
  if (client !== undefined) return client;
  throw new BerthError(
    'COORDINATOR_UNREACHABLE',
    `No cluster runs from ${context.folder}; start one with \`berth up\`, or set BERTH_COORDINATOR_URL`,
  );
}

/** Uses the running cluster, or one of its own for as long as `use` takes. */
export async function withCluster<T>(
  context: Context,
  size: { readonly numWorkers: number; readonly numThreads: number },
  use: (client: CoordinatorClient, own: Cluster | undefined) => Promise<T>,
): Promise<T> {
  const running = findCoordinator(context);
  if (running !== undefined) return use(running, undefined);
  const cluster = await startCluster({ ...context, ...size });
  try {
    return await use(
      createCoordinatorClient(cluster.coordinatorUrl, context.env['BERTH_API_TOKEN']),
      cluster,
    );
  } finally {
    await cluster.close();
  }
}

/** Redis and the bucket, of the running cluster or started for as long as `use` takes. */
export async function withServices<T>(
  context: Context,
  use: (services: Services) => Promise<T>,
): Promise<T> {
  const running = findCluster(context.folder);
  if (running !== undefined) return use(running.services);
  const started = await startServices(context.folder, context.env, context.logger);
  try {
    return await use(started.services);
  } finally {
    await started.close();
  }
}
