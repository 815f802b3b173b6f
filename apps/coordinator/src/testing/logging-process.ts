import { startProcessLog } from '@berth/observability';
import { openLogSink } from '@berth/queue';

/** Stands for a worker that logs, until it is killed. Arguments: Redis URL, member id. */
const [redisUrl = '', source = ''] = process.argv.slice(2);
const sink = openLogSink(redisUrl);
const { logger } = startProcessLog({
  app: 'worker',
  source,
  level: 'info',
  context: () => ({ runId: 'run', attempt: 1, step: 6 }),
  sink: (lines) => sink.append(lines),
});
logger.warn('This is how it was');
setInterval(() => undefined, 1_000);
