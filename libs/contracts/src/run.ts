import { z } from 'zod';
import { runConfigSchema } from './run-config.ts';
import { numericsSchema, viewSchema } from './view.ts';
import { wireErrorSchema } from './wire-error.ts';

export const runStatuses = [
  'queued',
  'preparing',
  'starting',
  'running',
  'recovering',
  'stopping',
  'stopped',
  'completed',
  'failed',
  'crashed',
] as const;
export type RunStatus = (typeof runStatuses)[number];

const finalStatuses: readonly RunStatus[] = ['stopped', 'completed', 'failed', 'crashed'];

/** True when nothing more will happen unless someone resumes the run. */
export function isFinal(status: RunStatus): boolean {
  return finalStatuses.includes(status);
}

/** A run as the coordinator keeps it. */
export const runRecordSchema = z.strictObject({
  runId: z.string(),
  config: runConfigSchema,
  trainingHash: z.string(),
  status: z.enum(runStatuses),
  /** Why it is in this state, for people. */
  reason: z.string(),
  error: wireErrorSchema.nullable(),
  /** Where it ends: after the data is made, or after the last step. */
  goal: z.enum(['prepared', 'trained']),
  createdAtMs: z.number(),
  updatedAtMs: z.number(),
  /** Set once the dataset exists. */
  manifestKey: z.string().nullable(),
  exampleSetId: z.string().nullable(),
  /** Decided by its first worker; members that differ are refused. */
  numerics: numericsSchema.nullable(),
});
export type RunRecord = z.output<typeof runRecordSchema>;

/** What `POST /api/runs` takes; the config is checked by `parseRunConfig`, which has the better messages. */
export const submitRequestSchema = z.strictObject({
  config: z.unknown(),
  goal: runRecordSchema.shape.goal,
});

/** One line of a run's metrics: what happened in a committed step, or an evaluation after it. */
export const metricsLineSchema = z.strictObject({
  kind: z.enum(['step', 'eval']),
  step: z.int().nonnegative(),
  timeMs: z.number(),
  loss: z.number(),
  masked_lm_loss: z.number(),
  masked_lm_accuracy: z.number(),
  next_sentence_loss: z.number(),
  next_sentence_accuracy: z.number(),
  learningRate: z.number().optional(),
  gradientNorm: z.number().optional(),
  numTokens: z.number(),
  stepMs: z.number().optional(),
  computeMs: z.number().optional(),
  reduceMs: z.number().optional(),
  dataMs: z.number().optional(),
  commitMs: z.number().optional(),
  applyMs: z.number().optional(),
});
export type MetricsLine = z.output<typeof metricsLineSchema>;

/** Some metrics lines, oldest first, and where to go on from. */
export const metricsPageSchema = z.strictObject({
  lines: z.array(metricsLineSchema),
  cursor: z.string(),
});
export type MetricsPage = z.output<typeof metricsPageSchema>;

/** A run with what it is doing right now, as the API answers it. */
export const runStatusSchema = z.strictObject({
  run: runRecordSchema,
  /** Committed steps. */
  step: z.int().nonnegative(),
  numSteps: z.int().positive(),
  last: metricsLineSchema.nullable(),
  lastEval: metricsLineSchema.nullable(),
  tokensPerSecond: z.number().nullable(),
  etaMs: z.number().nullable(),
  view: viewSchema.nullable(),
  checkpointStep: z.int().nonnegative().nullable(),
  numExampleShards: z.int().nonnegative(),
});
export type RunStatusReport = z.output<typeof runStatusSchema>;
