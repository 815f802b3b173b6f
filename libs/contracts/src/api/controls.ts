import { z } from 'zod';
import { stepCount } from '../limits.ts';
import { runNamePattern } from '../run-name.ts';

/**
 * What people may ask of a run. `pause` saves and gives its workers back; `resume` goes on, from an older checkpoint
 * when one is named; `stop` saves and ends; `kill` ends at once; `checkpoint` saves and goes on.
 */
export const controls = ['pause', 'resume', 'stop', 'kill', 'checkpoint'] as const;
export const controlSchema = z.enum(controls);
export type Control = z.output<typeof controlSchema>;

/** Those of a whole grid: of each of its runs for which that makes a difference. */
export const gridControlSchema = controlSchema.exclude(['checkpoint']);
export type GridControl = z.output<typeof gridControlSchema>;

/** Body of `POST /api/runs/:runId/controls/:control`. */
export const controlRequestSchema = z.strictObject({
  /** With `resume`: go on from this checkpoint; the history after it becomes a branch. */
  fromStep: z.int().nonnegative().optional(),
});
export type ControlRequest = z.output<typeof controlRequestSchema>;

/** Body of `POST /api/workers/:memberId/drain`. */
export const drainRequestSchema = z.strictObject({
  /** It is gone by then, whatever hangs; its own grace period when left out. */
  withinMs: z.int().min(1_000).max(86_400_000).optional(),
});
export type DrainRequest = z.output<typeof drainRequestSchema>;

/** That a worker was told to leave. */
export const drainReportSchema = z.strictObject({
  memberId: z.string(),
  /** What follows, for people. */
  reason: z.string(),
});
export type DrainReport = z.output<typeof drainReportSchema>;

/** Body of `POST /api/runs/:runId/extension`. */
export const extensionRequestSchema = z.strictObject({
  /** Of the whole run, those done included. */
  numSteps: stepCount,
  /** The last of them decay, as with the schedule wsd; without it the schedule stays. */
  numDecaySteps: stepCount.optional(),
});
export type ExtensionRequest = z.output<typeof extensionRequestSchema>;

/** Query of `GET /api/runs/:runId/extension`. */
export const extensionQuerySchema = z.strictObject({
  numSteps: z.coerce.number().pipe(stepCount),
  numDecaySteps: z.coerce.number().pipe(stepCount).optional(),
});

/** Whether a run can be given so many steps now. */
export const extensionReportSchema = z.strictObject({
  isPossible: z.boolean(),
  /** What it will do, or why it cannot, for people. */
  reason: z.string(),
  /** The command that does it in a run of its own, where this one cannot. */
  fork: z.string().optional(),
});
export type ExtensionReport = z.output<typeof extensionReportSchema>;

/** Body of `POST /api/runs/:runId/forks`. */
export const forkRequestSchema = z.strictObject({
  /** Of the new run. */
  name: z.string().regex(runNamePattern),
  /** The checkpoint that it goes on from; the newest when left out. */
  fromStep: z.int().nonnegative().optional(),
  /** What it has otherwise, by path: `{ "optimizer.learningRate": 0.0001 }`. */
  settings: z.record(z.string().max(200), z.unknown()),
});
export type ForkRequest = z.output<typeof forkRequestSchema>;

/** How far a fork has come: there is a run once it is done. */
export const forkReportSchema = z.strictObject({
  runId: z.string(),
  fromStep: z.int().nonnegative(),
  /** Files of the checkpoint that are still to be copied. */
  numPartsToGo: z.int().nonnegative(),
  isDone: z.boolean(),
});
export type ForkReport = z.output<typeof forkReportSchema>;

/** Whether a control works now, and if not, why, for people. */
export const controlStateSchema = z.strictObject({
  isEnabled: z.boolean(),
  /** Why it cannot be used, or what it will do. */
  reason: z.string(),
});
export type ControlState = z.output<typeof controlStateSchema>;
