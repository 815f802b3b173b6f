import { z } from 'zod';
import { runStatuses } from '../run-status.ts';
import { gridPointSchema, gridValuesSchema } from './grid-point.ts';

const gridMetricSchema = z.strictObject({
  /** As lines of evaluations have it; `loss` for the sum of the task's losses. */
  name: z.string(),
  /** For people. */
  label: z.string(),
  isMoreBetter: z.boolean(),
});

const gridResultSchema = z.strictObject({
  step: z.int().nonnegative(),
  /** Of the grid's metric; null where it is not defined, such as the correlation with a constant. */
  value: z.number().nullable(),
  /** On held-out examples. */
  loss: z.number(),
});

const gridPointReportSchema = gridPointSchema.omit({ name: true }).extend({
  runId: z.string(),
  status: z.enum(runStatuses),
  /** Why it is in this state, for people. */
  reason: z.string(),
  /** Committed steps, and those planned. */
  step: z.int().nonnegative(),
  numSteps: z.int().positive(),
  etaMs: z.number().nullable(),
  /** Its best checkpoint so far; null when none was evaluated. */
  best: gridResultSchema.nullable(),
});
export type GridPointReport = z.output<typeof gridPointReportSchema>;

const gridCombinationSchema = z.strictObject({
  /** Those of its points, without the seed. */
  values: gridValuesSchema,
  /** Numbers of all of its points. */
  points: z.array(z.int().positive()),
  /** Points that are completed and have a value: those that mean and spread are of. */
  numValues: z.int().nonnegative(),
  mean: z.number().nullable(),
  /** Standard deviation of a sample (over n - 1); null for fewer than two. */
  spread: z.number().nullable(),
  /** Mean of the held-out losses of the same points. */
  meanLoss: z.number().nullable(),
});
export type GridCombination = z.output<typeof gridCombinationSchema>;

/** What came out at the points of a grid. */
export const gridReportSchema = z.strictObject({
  name: z.string(),
  /** Paths of the settings that differ, in the order of the run file. */
  paths: z.array(z.string()),
  /** What the best is named by. */
  metric: gridMetricSchema,
  /** By their numbers. */
  points: z.array(gridPointReportSchema).min(1),
  numCompleted: z.int().nonnegative(),
  /** Whether nothing more happens unless someone asks for it. */
  isOver: z.boolean(),
  /** Points that differ in nothing but the seed, in the order of the first of each. */
  combinations: z.array(gridCombinationSchema).min(1),
  /** Position of the best combination by its mean; null while no point is completed. */
  bestCombination: z.int().nonnegative().nullable(),
  /** Number of the best of all completed points. */
  bestPoint: z.int().positive().nullable(),
  createdAtMs: z.number(),
});
export type GridReport = z.output<typeof gridReportSchema>;
export type GridMetric = GridReport['metric'];
