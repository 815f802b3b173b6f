import type { Logger, MetricsLine, ObjectStore } from '@berth/contracts';
import { attemptOfKey, attemptsPrefix, segmentIndexOf } from './keys.ts';
import { readSegment } from './segment.ts';

/**
 * All metrics of a run that are in the store, attempt by attempt, a segment at a time: a thousand lines in memory, however
 * long the run. Within an attempt lines come by step but for a few, made anew, that come later. What came in the last
 * seconds may be in Redis only.
 * @throws BerthError what the store throws
 */
export async function* archivedLines(
  store: ObjectStore,
  runId: string,
  logger: Logger,
): AsyncGenerator<readonly MetricsLine[], void, void> {
  const segments = (await store.list(attemptsPrefix(runId)))
    .map(({ key }) => ({
      key,
      attempt: attemptOfKey(runId, key) ?? 0,
      index: segmentIndexOf(key),
    }))
    .filter(({ index }) => index !== undefined)
    .sort((a, b) => a.attempt - b.attempt || (a.index ?? 0) - (b.index ?? 0));
  for (const { key } of segments) yield readSegment(store, key, logger);
}
