import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { dropEmptyVariables, errorToWire, requireServices } from '@berth/contracts';
import { parseLogLevel, startProcessLog, stopSignal } from '@berth/observability';
import { openLogSink } from '@berth/queue';
import type { Scope } from '@berth/protocol';
import { runCoordinator } from './coordinator.ts';

const env = process.env;
dropEmptyVariables(env);
const coordinatorId = `coordinator-${hostname()}-${randomBytes(3).toString('hex')}`;
const sink = openLogSink(env['REDIS_URL'] ?? '');
const log = startProcessLog({
  app: 'coordinator',
  source: coordinatorId,
  level: parseLogLevel(env['LOG_LEVEL'], 'info'),
  sink: (lines) => sink.append(lines),
});
const stopping = stopSignal(log.logger);

try {
  await runCoordinator(
    {
      coordinatorId,
      services: requireServices(env),
      host: env['BERTH_HTTP_HOST'] ?? '127.0.0.1',
      port: Number(env['BERTH_HTTP_PORT'] ?? 7700),
      token: env['BERTH_API_TOKEN'] || undefined,
      names: env['BERTH_HTTP_NAMES'],
      scope: scopeOf(env['BERTH_OWN_RUN'], env['BERTH_OWN_SINCE_MS']),
      onReady: (url) => process.send?.({ url, coordinatorId }),
      logger: log.logger,
    },
    stopping,
  );
  await log.close();
  // Idle keep-alive connections and the channel to a supervisor would hold the process.
  process.exit(0);
} catch (error) {
  const wire = errorToWire(error);
  log.logger.error('The coordinator ends', {
    error: wire,
    ...(wire.code === 'INTERNAL' && error instanceof Error && { stack: error.stack }),
  });
  await log.close();
  // A supervisor that still waits for us to be ready learns why we are not.
  if (process.send === undefined) process.exit(1);
  process.send({ error: wire }, () => process.exit(1));
}

/** Set by the command line for a cluster that it starts for one run. */
function scopeOf(runId: string | undefined, sinceMs: string | undefined): Scope | undefined {
  return runId === undefined ? undefined : { runId, sinceMs: Number(sinceMs ?? 0) };
}
