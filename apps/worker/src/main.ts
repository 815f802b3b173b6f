import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import {
  dropEmptyVariables,
  errorToWire,
  requirePeerSecret,
  requireServices,
  type LogFields,
} from '@berth/contracts';
import { parseLogLevel, startProcessLog, stopSignal } from '@berth/observability';
import { openLogSink } from '@berth/queue';
import { parseDevice } from './device/device.ts';
import { parseEndpoint } from './endpoint.ts';
import { metricsPlaceOf } from './telemetry/metrics-server.ts';
import { runWorker } from './worker.ts';

const env = process.env;
dropEmptyVariables(env);
// Unique per start: a restarted worker is a new member.
const memberId = `${env['BERTH_WORKER_NAME'] ?? hostname()}-${randomBytes(3).toString('hex')}`;
let currentWork = (): LogFields => ({});
const sink = openLogSink(env['REDIS_URL'] ?? '');
const log = startProcessLog({
  app: 'worker',
  source: memberId,
  level: parseLogLevel(env['LOG_LEVEL'], 'info'),
  context: () => currentWork(),
  sink: (lines) => sink.append(lines),
});
const stopping = stopSignal(log.logger);

try {
  await runWorker(
    {
      memberId,
      services: requireServices(env),
      secret: requirePeerSecret(env, (path) => readFileSync(path, 'utf8')),
      numThreads: Number(env['BERTH_NUM_THREADS'] ?? 1),
      device: parseDevice(env['BERTH_DEVICE']),
      aliveFile: env['BERTH_ALIVE_FILE'],
      host: env['BERTH_PEER_HOST'] ?? '127.0.0.1',
      port: Number(env['BERTH_PEER_PORT'] ?? 0),
      advertise: parseEndpoint(env['BERTH_PEER_ADVERTISE']),
      metricsPlace: metricsPlaceOf(env),
      faultDoor: env['BERTH_FAULT_DOOR'],
      onReady: () => process.send?.({ memberId }),
      onWork: (look) => (currentWork = look),
      logger: log.logger,
    },
    stopping,
  );
  await log.close();
  process.exit(0);
} catch (error) {
  const wire = errorToWire(error);
  log.logger.error('The worker ends', {
    error: wire,
    ...(wire.code === 'INTERNAL' && error instanceof Error && { stack: error.stack }),
  });
  await log.close();
  // A supervisor that still waits for us to be ready learns why we are not.
  if (process.send === undefined) process.exit(1);
  process.send({ error: wire }, () => process.exit(1));
}
