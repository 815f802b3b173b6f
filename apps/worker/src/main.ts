import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { errorToWire, requirePeerSecret, requireServices } from '@berth/contracts';
import { createLogger, parseLogLevel } from '@berth/observability';
import { parseEndpoint } from './endpoint.ts';
import { runWorker } from './worker.ts';

const env = process.env;
// Unique per start: a restarted worker is a new member.
const memberId = `${env['BERTH_WORKER_NAME'] ?? hostname()}-${randomBytes(3).toString('hex')}`;
const logger = createLogger({
  level: parseLogLevel(env['LOG_LEVEL'], 'info'),
  format: 'json',
  fields: { app: 'worker', memberId },
});
const stopping = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'disconnect'] as const)
  process.once(signal, () => stopping.abort());

try {
  await runWorker(
    {
      memberId,
      services: requireServices(env),
      secret: requirePeerSecret(env, (path) => readFileSync(path, 'utf8')),
      numThreads: Number(env['BERTH_NUM_THREADS'] ?? 1),
      host: env['BERTH_PEER_HOST'] ?? '127.0.0.1',
      port: Number(env['BERTH_PEER_PORT'] ?? 0),
      advertise: parseEndpoint(env['BERTH_PEER_ADVERTISE']),
      onReady: () => process.send?.({ memberId }),
      logger,
    },
    stopping.signal,
  );
  process.exit(0);
} catch (error) {
  const wire = errorToWire(error);
  logger.error('The worker ends', {
    error: wire,
    ...(wire.code === 'INTERNAL' && error instanceof Error && { stack: error.stack }),
  });
  // A supervisor that still waits for us to be ready learns why we are not.
  if (process.send === undefined) process.exit(1);
  process.send({ error: wire }, () => process.exit(1));
}
