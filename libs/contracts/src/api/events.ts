import { z } from 'zod';
import { metricsLineSchema, runStatusSchema } from '../run.ts';
import { markerSchema } from './history.ts';
import { logLineSchema } from './logs.ts';
import { checkpointReportSchema, clusterReportSchema, workerReportSchema } from './reports.ts';

const runId = z.string();

/** Query of `GET /api/events`. */
export const eventsQuerySchema = z.strictObject({
  /** All events of this run; without it those of type `run` and `cluster` of all runs. */
  run: z.string().min(1).max(63).optional(),
  /** What the header Last-Event-ID says, for clients that cannot set it. */
  lastEventId: z.string().max(64).optional(),
});
export type EventsQuery = z.output<typeof eventsQuerySchema>;

/**
 * What `GET /api/events` sends: the data, as JSON, of server-sent events without a name, each with an id. The first message
 * has an id and no data. A client that comes back with Last-Event-ID gets what it missed, or `resync` when that is
 * gone: read all anew. Only changes are sent; a comment comes when there was none for 2 s, so silence for longer means a coordinator or a connection
 * that does not work.
 */
export const apiEventSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('run'), report: runStatusSchema }),
  z.strictObject({ type: z.literal('removed'), runId }),
  z.strictObject({ type: z.literal('metrics'), runId, lines: z.array(metricsLineSchema) }),
  z.strictObject({ type: z.literal('marker'), runId, marker: markerSchema }),
  z.strictObject({ type: z.literal('workers'), runId, workers: z.array(workerReportSchema) }),
  z.strictObject({
    type: z.literal('checkpoints'),
    runId,
    checkpoints: z.array(checkpointReportSchema),
  }),
  z.strictObject({ type: z.literal('logs'), runId, lines: z.array(logLineSchema) }),
  z.strictObject({ type: z.literal('cluster'), report: clusterReportSchema }),
  z.strictObject({ type: z.literal('resync'), reason: z.string() }),
]);
export type ApiEvent = z.output<typeof apiEventSchema>;
