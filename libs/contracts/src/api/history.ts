import { z } from 'zod';
import { stepMetrics } from '../metric-names.ts';
import { fineTuningMetrics } from '../tasks/fine-tuning/metrics-of-kind.ts';
import { tasks } from '../tasks/tasks.ts';

const allMetrics = [
  ...new Set([...Object.values(tasks).flatMap(stepMetrics), ...fineTuningMetrics]),
];

/** Query of `GET /api/runs/:runId/history`. */
export const historyQuerySchema = z.strictObject({
  metrics: z
    .string()
    .transform((text) => text.split(','))
    .pipe(z.array(z.enum(allMetrics)).min(1).max(allMetrics.length)),
  kind: z.enum(['step', 'eval']).default('step'),
  /** Horizontal axis: steps, or Unix time in milliseconds. */
  x: z.enum(['step', 'time']).default('step'),
  from: z.coerce.number().finite().optional(),
  to: z.coerce.number().finite().optional(),
  numBuckets: z.coerce.number().int().min(10).max(4_000).default(800),
});
export type HistoryQuery = z.output<typeof historyQuerySchema>;

const points = z.array(z.number());

/**
 * One metric of one attempt in buckets of the horizontal axis: no extreme is lost. Buckets without a point are left
 * out. The mean is null where a value is not finite; `min` and `max` are of the finite ones, null where there is none.
 */
export const traceSchema = z.strictObject({
  metric: z.enum(allMetrics),
  attempt: z.int().positive(),
  /** True for what came after a checkpoint that the run was resumed from: no longer part of the run. */
  isAbandoned: z.boolean(),
  x: points,
  mean: z.array(z.number().nullable()),
  min: z.array(z.number().nullable()),
  max: z.array(z.number().nullable()),
  /** Points that the buckets stand for. */
  numPoints: z.int().nonnegative(),
});
export type Trace = z.output<typeof traceSchema>;

/** Something to mark on the axis of every chart. */
export const markerSchema = z.strictObject({
  kind: z.enum(['checkpoint', 'resume', 'joined', 'left', 'lost', 'status', 'diverged']),
  attempt: z.int().positive(),
  step: z.int().nonnegative(),
  timeMs: z.number(),
  /** For people: "worker-2 lost: its connection broke". */
  text: z.string(),
});
export type Marker = z.output<typeof markerSchema>;

export const historySchema = z.strictObject({
  runId: z.string(),
  traces: z.array(traceSchema),
  markers: z.array(markerSchema),
  asOfMs: z.number(),
});
export type History = z.output<typeof historySchema>;
