import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { dropEmptyVariables, type LogFields } from '@berth/contracts';
import { parseLogLevel, runProgram, type Stopping } from '@berth/observability';
import { openLogSink } from '@berth/queue';
import { readEnvironment } from './environment.ts';
import { runDataWorker } from './data-worker.ts';
import { exitCodeOfEnd, exitCodeOfError } from './ending/exit-code.ts';
import { watchNotices } from './notices/watch-notices.ts';
import type { WorkerOptions } from './worker.ts';

const { env } = process;
dropEmptyVariables(env);
// Unique per start: a restarted worker is a new member.
const memberId = `${env['BERTH_WORKER_NAME'] ?? hostname()}-${randomBytes(3).toString('hex')}`;
let currentWork = (): LogFields => ({});

const drainedExitCode = exitCodeOfEnd({ kind: 'drained', reason: '' });

/** What only trains is not loaded where nothing is trained. */
async function start(
  options: Pick<WorkerOptions, 'memberId' | 'onReady' | 'onWork' | 'logger'>,
  stopping: Stopping,
): Promise<number> {
  const environment = readEnvironment(env);
  stopping.limit({ graceMs: environment.graceMs, lateExitCode: drainedExitCode });
  const { notices, noticesEndpoint: endpoint } = environment;
  void watchNotices({ notices, endpoint, env, logger: options.logger }, stopping);
  const run = environment.role === 'data' ? runDataWorker : (await import('./worker.ts')).runWorker;
  const end = await run({ ...environment, ...options }, stopping);
  const exitCode = exitCodeOfEnd(end);
  const level = exitCode === 1 ? 'error' : 'info';
  options.logger[level](`The worker ends: ${end.reason}`, { end: end.kind, exitCode });
  return exitCode;
}

const sink = openLogSink(env['REDIS_URL'] ?? '');

await runProgram(
  {
    app: 'worker',
    source: memberId,
    level: parseLogLevel(env['LOG_LEVEL'], 'info'),
    context: () => currentWork(),
    sink: (lines) => sink.append(lines),
    exitCodeOf: (error) => exitCodeOfError(error, env['BERTH_WORKER_RUN']),
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
