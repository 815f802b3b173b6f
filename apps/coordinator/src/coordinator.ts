import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { createS3ObjectStore, type S3ObjectStore } from '@berth/checkpoint';
import { errorToWire, isBerthError, portTaken, type Logger, type Services } from '@berth/contracts';
import { checkRedis, connectRedis, createJobProducer } from '@berth/queue';
import { createAdaptorServer } from '@hono/node-server';
import { runController } from './controller.ts';
import { createHttpApi } from './http-api.ts';
import { createRunService } from './run-service.ts';

export interface CoordinatorOptions {
  readonly coordinatorId: string;
  readonly services: Services;
  /** Where HTTP listens. */
  readonly host: string;
  readonly port: number;
  readonly onReady: (url: string) => void;
  readonly logger: Logger;
}

const bucketWaitMs = 3_000;

/**
 * A coordinator's life: answer HTTP and drive runs until the signal.
 * @throws BerthError `QUEUE_UNREACHABLE`, `STORE_REFUSED` when the bucket cannot be used, or `CONFIG_INVALID` when Redis
 * may evict keys or the port cannot be had
 */
export async function runCoordinator(
  options: CoordinatorOptions,
  signal: AbortSignal,
): Promise<void> {
  const { coordinatorId, services, logger } = options;
  const connection = await connectRedis(services.redisUrl, { role: 'producer', logger });
  const { warnings } = await checkRedis(services.redisUrl);
  for (const warning of warnings) logger.warn(`Redis: ${warning}`);
  const jobs = await createJobProducer(services.redisUrl, { logger });
  const store = createS3ObjectStore(services.s3, logger);
  // Before the first run needs it; during an outage of the store training must go on without waiting for it.
  const bucket = ensureBucket(store, logger);
  await Promise.race([bucket, sleep(bucketWaitMs)]);
  const app = createHttpApi({
    runs: createRunService(connection),
    checkReady: async () => {
      await connection.call((client) => client.ping());
    },
    logger,
  });
  const server = createAdaptorServer({ fetch: app.fetch });
  const url = await listen(server, options);
  logger.info('The coordinator listens', { url });
  options.onReady(url);

  const controlling = runController({ coordinatorId, connection, store, jobs, logger }, signal);
  await Promise.race([controlling, bucket.then(() => controlling)]);
  server.close();
  await jobs.close();
  connection.close();
  store.close();
}

/** Makes the bucket if it is not there. While the store is away training goes on, so then it does not matter. */
async function ensureBucket(store: S3ObjectStore, logger: Logger): Promise<void> {
  try {
    await store.ensureBucket();
  } catch (error) {
    if (!isBerthError(error) || error.code !== 'STORE_UNREACHABLE') throw error;
    logger.warn('The bucket was not checked', { error: errorToWire(error) });
  }
}

async function listen(
  server: ReturnType<typeof createAdaptorServer>,
  { host, port }: CoordinatorOptions,
): Promise<string> {
  try {
    server.listen(port, host);
    await once(server, 'listening');
  } catch (error) {
    throw portTaken(host, port, error);
  }
  const address = server.address();
  return `http://${host}:${typeof address === 'object' && address !== null ? address.port : port}`;
}
