import { once } from 'node:events';
import { createS3ObjectStore } from '@berth/checkpoint';
import { BerthError, type Logger, type Services } from '@berth/contracts';
import { connectRedis, createJobProducer } from '@berth/queue';
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
  const app = createHttpApi({
    runs: createRunService(connection, store),
    checkReady: async () => {
      await connection.call((client) => client.ping());
    },
    logger,
  });
  const server = createAdaptorServer({ fetch: app.fetch });
  const url = await listen(server, options);
  logger.info('The coordinator listens', { url });
  options.onReady(url);

  await runController({ coordinatorId, connection, store, jobs, logger }, signal);
  server.close();
  await jobs.close();
  connection.close();
  store.close();
}

async function listen(
  server: ReturnType<typeof createAdaptorServer>,
  { host, port }: CoordinatorOptions,
): Promise<string> {
  try {
    server.listen(port, host);
    await once(server, 'listening');
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    throw new BerthError(
      'CONFIG_INVALID',
      `HTTP cannot listen on ${host}:${port}: ${detail}; choose another port`,
      { cause: error },
    );
  }
  const address = server.address();
  return `http://${host}:${typeof address === 'object' && address !== null ? address.port : port}`;
}
