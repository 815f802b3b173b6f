import { setTimeout as sleep } from 'node:timers/promises';
import { createS3ObjectStore, type S3ObjectStore } from '@berth/checkpoint';
import { errorToWire, isBerthError, skewWarning, type Logger } from '@berth/contracts';
import { createJobProducer } from '@berth/queue/jobs';
import { checkRedis, connectRedis } from '@berth/queue';
import type { CoordinatorEnvironment } from './environment.ts';
import { runController } from './leading/controller.ts';
import { createLogSource } from './events/log-source.ts';
import { createRunService } from './runs/run-service.ts';
import { startRelay } from './relay/start-relay.ts';
import { createHealthCheck } from './reports/health.ts';
import { startApi } from './http/start-api.ts';

export interface CoordinatorOptions extends CoordinatorEnvironment {
  readonly coordinatorId: string;
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
  const { coordinatorId, services, scope, logger } = options;
  const connection = await connectRedis(services.redisUrl, { role: 'producer', logger });
  const { warnings, clockAheadMs } = await checkRedis(services.redisUrl);
  for (const warning of warnings) logger.warn(`Redis: ${warning}`);
  const skew = skewWarning(clockAheadMs);
  if (skew !== undefined) logger.warn(skew);
  const jobs = await createJobProducer(services.redisUrl, { logger });
  const store = createS3ObjectStore(services.s3, logger);
  // Before the first run needs it; during an outage of the store training must go on without waiting for it.
  const bucket = ensureBucket(store, logger);
  await Promise.race([bucket, sleep(bucketWaitMs)]);
  const health = createHealthCheck(connection, store);
  const relay = await startRelay({ coordinatorId, connection, settings: options.relay, logger });
  const api = await startApi({
    ...options,
    connection,
    store,
    s3: services.s3,
    health,
    relay,
    runs: createRunService(connection, store, { health, scope }),
    logs: createLogSource(connection),
  });
  logger.info('The coordinator listens', { url: api.url });
  options.onReady(api.url);
  const controlling = runController(
    {
      coordinatorId,
      connection,
      store,
      s3: services.s3,
      jobs,
      relay: relay?.address,
      scope,
      logger,
    },
    signal,
  );
  await Promise.race([controlling, bucket.then(() => controlling)]);
  await api.close();
  await relay?.close();
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
