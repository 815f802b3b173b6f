import { silentLogger, type Logger, type ObjectStore } from '@berth/contracts';
import { openRun, type RedisConnection } from '@berth/queue';
import { archivedLines } from '../metrics-archive/archived-lines.ts';
import type { SeriesSource } from './series-cache.ts';

/** Metrics as Redis and the store have them. @param logger - told of what is damaged in the store */
export function createSeriesSource(
  connection: RedisConnection,
  store: ObjectStore,
  logger: Logger = silentLogger,
): SeriesSource {
  return {
    after: (runId, cursor, numLines) => openRun(connection, runId).metrics.after(cursor, numLines),
    archived: (runId) => archivedLines(store, runId, logger),
  };
}
