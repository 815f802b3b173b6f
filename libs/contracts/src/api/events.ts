import { z } from 'zod';
import { metricsLineSchema, runStatusSchema } from '../run.ts';
import { markerSchema } from './history.ts';
import { logLineSchema } from './logs.ts';
import { checkpointReportSchema, clusterReportSchema, workerReportSchema } from './reports.ts';

const runId = z.string();

/**
 * What `GET /api/events?run=ID` sends, as server-sent events with ids; without `run` only `run` and `cluster` of all.
 * A client that comes back with Last-Event-ID gets what it missed, or `resync` when that is gone: read all anew.
 */
export const apiEventSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('run'), report: runStatusSchema }),
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
