import type { RedisConnection } from './connection/connection.ts';
import { createLedger, type Ledger } from './coordination/ledger.ts';
import { createRendezvous, type Rendezvous } from './coordination/rendezvous.ts';
import { createViews, type Views } from './coordination/views.ts';
import { createCheckpointIndex, type CheckpointIndex } from './records/checkpoint-index.ts';
import { createMetricsLog, type MetricsLog } from './records/metrics-log.ts';
import { createRunEvents, type RunEvents } from './records/run-events.ts';

/** What Redis holds of one run, besides its record: that is one of all `createRuns` knows. */
export interface RunHandle {
  readonly runId: string;
  readonly views: Views;
  readonly ledger: Ledger;
  readonly rendezvous: Rendezvous;
  readonly metrics: MetricsLog;
  readonly checkpoints: CheckpointIndex;
  readonly events: RunEvents;
}

/**
 * The handle of a run, whether Redis holds anything of it or not. Asks nothing.
 * @param options.maxMetricsLines - that the metrics log keeps. @defaultValue 20_000
 */
export function openRun(
  connection: RedisConnection,
  runId: string,
  { maxMetricsLines }: { readonly maxMetricsLines?: number } = {},
): RunHandle {
  return {
    runId,
    views: createViews(connection, runId),
    ledger: createLedger(connection, runId),
    rendezvous: createRendezvous(connection, runId),
    metrics: createMetricsLog(connection, runId, { capacity: maxMetricsLines }),
    checkpoints: createCheckpointIndex(connection, runId),
    events: createRunEvents(connection, runId),
  };
}
