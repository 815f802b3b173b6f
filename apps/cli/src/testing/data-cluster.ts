import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { environmentOfServices, silentLogger, type Services } from '@berth/contracts';
import {
  createCoordinatorClient,
  freePorts,
  startServices,
  Supervised,
  type CoordinatorClient,
  type RunningServices,
} from '@berth/launch';

/** Coordinators and workers that make data only, each a process of its own that is started again when it dies. */
export interface DataCluster {
  readonly client: CoordinatorClient;
  readonly services: Services;
  readonly workers: readonly Supervised[];
  readonly coordinators: readonly Supervised[];
  readonly redis: RunningServices['disturb']['redis'];
  close(): Promise<void>;
}

const readyTimeoutMs = 300_000;
const token = 'token-of-a-test-0123456789';

/** @param envOf - what a worker is told besides */
export async function startDataCluster(
  folder: string,
  numWorkers: number,
  envOf: (worker: number) => Record<string, string> = () => ({}),
): Promise<DataCluster> {
  const running = await startServices(folder, {}, silentLogger);
  const ports = await freePorts(2);
  const supervise = (app: string, name: string, env: Record<string, string>): Supervised =>
    new Supervised({
      name,
      entry: fileURLToPath(new URL(`../../../${app}/bin/${app}.js`, import.meta.url)),
      env: { ...environmentOfServices(running.services), NODE_OPTIONS: '', ...env },
      logFolder: join(folder, 'logs'),
      readyTimeoutMs,
      say: () => undefined,
      onRestart: () => undefined,
    });
  const coordinators = ports.map((port, index) =>
    supervise('coordinator', `coordinator-${index}`, {
      BERTH_HTTP_PORT: String(port),
      BERTH_API_TOKEN: token,
    }),
  );
  const workers = Array.from({ length: numWorkers }, (_, index) =>
    supervise('worker', `worker-${index}`, {
      BERTH_WORKER_NAME: `worker-${index}`,
      BERTH_WORKER_ROLE: 'data',
      ...envOf(index),
    }),
  );
  const all = [...workers, ...coordinators];
  const close = async (): Promise<void> => {
    await Promise.all(all.map((child) => child.stop()));
    await running.close();
  };
  try {
    await Promise.all(all.map((child) => child.start()));
  } catch (error) {
    await close();
    throw error;
  }
  const urls = ports.map((port) => `http://127.0.0.1:${port}`).join(',');
  return {
    client: createCoordinatorClient(urls, { token, isOurs: true }),
    services: running.services,
    workers,
    coordinators,
    redis: running.disturb.redis,
    close,
  };
}
