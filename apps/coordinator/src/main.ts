import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { dropEmptyVariables } from '@berth/contracts';
import { parseLogLevel, runProgram } from '@berth/observability';
import { openLogSink } from '@berth/queue';
import { runCoordinator } from './coordinator.ts';
import { readEnvironment } from './environment.ts';

const { env } = process;
dropEmptyVariables(env);
const coordinatorId = `coordinator-${hostname()}-${randomBytes(3).toString('hex')}`;
const sink = openLogSink(env['REDIS_URL'] ?? '');

await runProgram(
  {
    app: 'coordinator',
    source: coordinatorId,
    level: parseLogLevel(env['LOG_LEVEL'], 'info'),
    sink: (lines) => sink.append(lines),
  },
  async (logger, stopping) => {
    const onReady = (url: string): void => void process.send?.({ url, coordinatorId });
    await runCoordinator(
      { ...readEnvironment(env), coordinatorId, onReady, logger },
      stopping.signal,
    );
    return 0;
  },
);
