import { createS3ObjectStore } from '@berth/checkpoint';
import type { Logger, Services } from '@berth/contracts';
import { connectRedis, createJobProducer } from '@berth/queue';
import { runController } from './controller.ts';
import { createLogSource } from './log-source.ts';
import { createRunService } from './run-service.ts';
import { startApi } from './start-api.ts';

export interface CoordinatorOptions {
  readonly coordinatorId: string;
  readonly services: Services;
  /** Where HTTP listens. */
  readonly host: string;
  readonly port: number;
  /** Asked of those who write; must be set when others than this machine can connect. */
  readonly token?: string | undefined;
  readonly onReady: (url: string) => void;
  readonly logger: Logger;
}

/**
 * A coordinator's life: answer HTTP and drive runs until the signal.
 * @throws BerthError `QUEUE_UNREACHABLE`, or `CONFIG_INVALID` when the port cannot be had
 */
export async function runCoordinator(
  options: CoordinatorOptions,
  signal: AbortSignal,
): Promise<void> {
  const { coordinatorId, services, logger } = options;
  const connection = await connectRedis(services.redisUrl, { role: 'producer', logger });
  const jobs = await createJobProducer(services.redisUrl, { logger });
  const store = createS3ObjectStore(services.s3, logger);
  const api = await startApi({
    ...options,
    connection,
    store,
    runs: createRunService(connection, store),
    logs: createLogSource(connection),
  });
  logger.info('The coordinator listens', { url: api.url });
  options.onReady(api.url);
  await runController({ coordinatorId, connection, store, jobs, logger }, signal);
  await api.close();
  await jobs.close();
  connection.close();
  store.close();
}
