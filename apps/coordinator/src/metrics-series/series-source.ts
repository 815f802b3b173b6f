import { silentLogger, type Logger, type ObjectStore } from '@berth/contracts';
import { createMetricsLog, type RedisConnection } from '@berth/queue';
import { archivedLines } from '../metrics-archive/archived-lines.ts';
import type { HistorySource } from './series-cache.ts';

/** Metrics as Redis and the store have them. @param logger - told of what is damaged in the store */
export function createHistorySource(
  connection: RedisConnection,
  store: ObjectStore,
  logger: Logger = silentLogger,
): HistorySource {
  return {
    after: (runId, cursor, numLines) => createMetricsLog(connection, runId).after(cursor, numLines),
    archived: (runId) => archivedLines(store, runId, logger),
  };
}
