import type { LogLine, LogPage, LogQuery } from '@berth/contracts';
import { createLogStream, type RedisConnection } from '@berth/queue';

/** Log lines of all processes, for the HTTP interface. */
export interface StreamLogSource {
  /** @param runId - undefined for lines of all runs and of none */
  page(query: LogQuery, runId: string | undefined): Promise<LogPage>;
  /** What a process said last, oldest first; also after its end. */
  lastLines(source: string): Promise<string[]>;
}

const numLastLines = 10;

export function createLogSource(connection: RedisConnection): StreamLogSource {
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
