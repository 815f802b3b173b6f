import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { dropEmptyVariables, type LogFields } from '@berth/contracts';
import { parseLogLevel, runProgram } from '@berth/observability';
import { openLogSink } from '@berth/queue';
import { readEnvironment } from './environment.ts';
import { runDataWorker } from './data-worker.ts';
import type { WorkerOptions } from './worker.ts';

const { env } = process;
dropEmptyVariables(env);
// Unique per start: a restarted worker is a new member.
const memberId = `${env['BERTH_WORKER_NAME'] ?? hostname()}-${randomBytes(3).toString('hex')}`;
let currentWork = (): LogFields => ({});

/** What only trains is not loaded where nothing is trained. */
async function start(
  options: Pick<WorkerOptions, 'memberId' | 'onReady' | 'onWork' | 'logger'>,
  stopping: AbortSignal,
): Promise<number> {
  const environment = readEnvironment(env);
  if (environment.role === 'data') return runDataWorker({ ...environment, ...options }, stopping);
  const { runWorker } = await import('./worker.ts');
  return runWorker({ ...environment, ...options }, stopping);
}

const sink = openLogSink(env['REDIS_URL'] ?? '');

await runProgram(
  {
    app: 'worker',
    source: memberId,
    level: parseLogLevel(env['LOG_LEVEL'], 'info'),
    context: () => currentWork(),
    sink: (lines) => sink.append(lines),
  },
  (logger, stopping) =>
    start(
      {
        memberId,
        onReady: () => process.send?.({ memberId }),
        onWork: (look) => (currentWork = look),
        logger,
      },
      stopping,
    ),
);
