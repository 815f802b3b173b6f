import type { LogLine } from '@berth/contracts';
import { createLogStream, type RedisConnection } from '@berth/queue';
import type { LogSource } from '../ports.ts';

const numLastLines = 10;

/** Log lines as the processes shipped them. */
export function createLogSource(connection: RedisConnection): LogSource {
  const logs = createLogStream(connection);
  return {
    page: (query, runId) => logs.page({ ...query, runId }),
    lastLines: async (source) => (await logs.lastLinesOf(source, numLastLines)).map(textOf),
  };
}

/** A line for people: `12:00:00.000 warn The run goes on without worker-2`. */
function textOf({ timeMs, level, message }: LogLine): string {
  return `${new Date(timeMs).toISOString().slice(11, 23)} ${level} ${message}`;
}
