import type { ObjectStore } from '@berth/contracts';
import { createMetricsLog, type RedisConnection } from '@berth/queue';
import { archivedLines } from '../run-history/archived-lines.ts';
import type { HistorySource } from './histories.ts';

/** Metrics as Redis and the store have them. */
export function createHistorySource(
  connection: RedisConnection,
  store: ObjectStore,
): HistorySource {
  return {
    after: (runId, cursor, numLines) => createMetricsLog(connection, runId).after(cursor, numLines),
    archived: (runId) => archivedLines(store, runId),
  };
}
