import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { dropEmptyVariables, type LogFields } from '@berth/contracts';
import { parseLogLevel, runProgram } from '@berth/observability';
import { openLogSink } from '@berth/queue';
import { readEnvironment } from './environment.ts';
import { runWorker } from './worker.ts';

const { env } = process;
dropEmptyVariables(env);
// Unique per start: a restarted worker is a new member.
const memberId = `${env['BERTH_WORKER_NAME'] ?? hostname()}-${randomBytes(3).toString('hex')}`;
let currentWork = (): LogFields => ({});
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
    runWorker(
      {
        ...readEnvironment(env),
        memberId,
        onReady: () => process.send?.({ memberId }),
        onWork: (look) => (currentWork = look),
        logger,
      },
      stopping,
    ),
);
