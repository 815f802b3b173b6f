import { z } from 'zod';

/** What is drawn of metrics lines of kind `step`. */
export const stepMetrics = [
  'loss',
  'masked_lm_loss',
  'masked_lm_accuracy',
  'next_sentence_loss',
  'next_sentence_accuracy',
  'learningRate',
  'gradientNorm',
  'tokensPerSecond',
  'stepMs',
  'dataMs',
  'computeMs',
  'reduceMs',
  'commitMs',
  'applyMs',
] as const;
export type StepMetric = (typeof stepMetrics)[number];

/** Query of `GET /api/runs/:runId/history`. */
export const historyQuerySchema = z.strictObject({
  metrics: z
    .string()
    .transform((text) => text.split(','))
    .pipe(z.array(z.enum(stepMetrics)).min(1).max(stepMetrics.length)),
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
  metric: z.enum(stepMetrics),
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
