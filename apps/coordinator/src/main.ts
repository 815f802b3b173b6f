import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { createS3ObjectStore } from '@berth/checkpoint';
import { requireServices } from '@berth/contracts';
import { createLogger, parseLogLevel } from '@berth/observability';
import { connectRedis, createJobProducer } from '@berth/queue';
import { serve } from '@hono/node-server';
import { runController } from './controller.ts';
import { createHttpApi } from './http-api.ts';
import { createRunService } from './run-service.ts';

const env = process.env;
const coordinatorId = `coordinator-${hostname()}-${randomBytes(3).toString('hex')}`;
const logger = createLogger({
  level: parseLogLevel(env['LOG_LEVEL'], 'info'),
  format: 'json',
  fields: { app: 'coordinator', coordinatorId },
});
const services = requireServices(env);
const host = env['BERTH_HTTP_HOST'] ?? '127.0.0.1';
const port = Number(env['BERTH_HTTP_PORT'] ?? 7700);

const connection = await connectRedis(services.redisUrl, { role: 'producer', logger });
const jobs = await createJobProducer(services.redisUrl, { logger });
const store = createS3ObjectStore(services.s3, logger);
const stopping = new AbortController();

const app = createHttpApi({
  runs: createRunService(connection),
  checkReady: async () => {
    await connection.call((client) => client.ping());
  },
  logger,
});
const server = serve({ fetch: app.fetch, hostname: host, port }, (address) => {
  const url = `http://${host}:${address.port}`;
  logger.info('The coordinator listens', { url });
  process.send?.({ url });
});

for (const signal of ['SIGINT', 'SIGTERM', 'disconnect'] as const)
  process.once(signal, () => stopping.abort());
await runController({ coordinatorId, connection, store, jobs, logger }, stopping.signal);
server.close();
await jobs.close();
connection.close();
store.close();
// Idle keep-alive connections and the channel to a supervisor would hold the process.
process.exit(0);
