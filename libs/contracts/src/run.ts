import { z } from 'zod';
import { controlSchema, controlStateSchema } from './api/controls.ts';
import { exportSectionSchema, type ExportSection } from './export-section.ts';
import { gridPointSchema } from './grid/grid-point.ts';
import { datasetHealthSchema } from './dataset-health.ts';
import { datasetReportSchema } from './judge-health.ts';
import { networkReportSchema } from './network/network-report.ts';
import { preparationProgressSchema } from './preparation/progress.ts';
import { relayReportSchema } from './relay.ts';
import { storedRunConfigSchema } from './run-config.ts';
import { fineTuningSchema } from './tasks/fine-tuning/schema.ts';
import { runStatuses } from './run-status.ts';
import { memberInfoSchema, numericsSchema, viewSchema } from './view.ts';
import { wireErrorSchema } from './wire-error.ts';

/** One time a run was started or resumed. Lost processes and restarts of services do not end an attempt. */
export const runAttemptSchema = z.strictObject({
  attempt: z.int().positive(),
  startedAtMs: z.number(),
  /** Committed steps when it began. */
  fromStep: z.int().nonnegative(),
  /** The checkpoint that it was told to go back to; absent when it goes on from the newest. */
  wentBackTo: z.int().nonnegative().optional(),
  endedAtMs: z.number().nullable(),
  /** Committed steps when it ended. */
  toStep: z.int().nonnegative().nullable(),
  /** Why it ended, for people. */
  endReason: z.string().nullable(),
  /** A later attempt went on from this step: what this one did after it is a branch. */
  abandonedFromStep: z.int().nonnegative().nullable(),
});
export type RunAttempt = z.output<typeof runAttemptSchema>;

/** What the model after a step came to on held-out examples. */
export const evaluationSchema = z.strictObject({
  attempt: z.int().positive(),
  step: z.int().nonnegative(),
  /** The sum of the task's losses. */
  loss: z.number(),
  /** What the best is chosen by, where that is not the loss: more is better. */
  score: z.number().optional(),
});
export type Evaluation = z.output<typeof evaluationSchema>;

/** A time that a run was told to forget documents. Which they are is in the manifest of the dataset that it has since. */
export const forgottenSchema = z.strictObject({
  atMs: z.number(),
  numDocuments: z.int().positive(),
  /** The dataset and the example sets that it had before: they hold the documents until they are deleted. */
  before: z.string(),
  exampleSetIdsBefore: z.array(z.string()),
  manifestKey: z.string(),
  /** The first committed step that used one of them; null when none had. */
  firstUse: z.int().nonnegative().nullable(),
  /** The step that it went back to, and the steps after which were done again. */
  wentBackTo: z.int().nonnegative().nullable(),
  /** When what held them was deleted from the bucket. */
  purgedAtMs: z.number().optional(),
});
export type Forgotten = z.output<typeof forgottenSchema>;

/** What was asked of a run and is not done yet: in its record, so that it outlives the coordinator that was asked. */
export const runRequestsSchema = z.strictObject({
  /** Save at the next step boundary, then go on. */
  checkpoint: z.boolean(),
  /** End without saving. */
  kill: z.boolean(),
  /** Before the attempt trains, the history is rewound. */
  rewind: z
    .strictObject({
      /** Committed steps that stay. */
      toStep: z.int().nonnegative(),
      /** The attempt that what is cut off is filed under. */
      attempt: z.int().positive(),
      /** Tells this rewind from one that was asked for at another time. */
      askedAtMs: z.number(),
    })
    .nullable(),
  /** It was submitted again: this config holds once its files are found to hold the data that the run has. */
  submission: z
    .strictObject({
      config: storedRunConfigSchema,
      askedAtMs: z.number(),
      /** It has trained: other data is refused. */
      isTrained: z.boolean(),
    })
    .nullable()
    .default(null),
  /** It is being removed: nothing else can be done with it. */
  remove: z.boolean().default(false),
});
export type RunRequests = z.output<typeof runRequestsSchema>;
export const noRequests: RunRequests = {
  checkpoint: false,
  kill: false,
  rewind: null,
  submission: null,
  remove: false,
};

/** Requests as an earlier release has stored them: it called a rewind a cut. */
function withCurrentRequests(stored: unknown): unknown {
  if (typeof stored !== 'object' || stored === null || !('cut' in stored)) return stored;
  const { cut, ...others } = stored;
  return { ...others, rewind: cut };
}

/** A run as the coordinator keeps it. */
export const runRecordSchema = z.strictObject({
  runId: z.string(),
  config: storedRunConfigSchema,
  trainingHash: z.string(),
  status: z.enum(runStatuses),
  /** Why it is in this state, for people. */
  reason: z.string(),
  error: wireErrorSchema.nullable(),
  /** Where it ends: after the data is made, or after the last step. */
  goal: z.enum(['prepared', 'trained']),
  createdAtMs: z.number(),
  updatedAtMs: z.number(),
  /** The checkpoint of another run that it began as, and the head of the ledger there. */
  forkedFrom: z
    .strictObject({ runId: z.string(), step: z.int().nonnegative(), ledgerHead: z.string() })
    .optional(),
  /** Of a run of a grid. */
  grid: gridPointSchema.optional(),
  /** Oldest first; the last one is under way unless it has ended. */
  attempts: z.array(runAttemptSchema),
  requests: z.preprocess(withCurrentRequests, runRequestsSchema.default(noRequests)),
  /** Checkpoints that were asked for: they stay. */
  keptSteps: z.array(z.int().nonnegative()).default([]),
  /** Of steps that have a checkpoint or may get one: by them the best is known, which stays too. */
  evaluations: z.array(evaluationSchema).default([]),
  /** Set once the dataset exists. */
  manifestKey: z.string().nullable(),
  exampleSetId: z.string().nullable(),
  /** Those of its phases, in order, where it has several. */
  phaseSetIds: z.array(z.string()).optional(),
  /** Oldest first; absent of a run that never was. */
  forgotten: z.array(forgottenSchema).optional(),
  /** How its examples are made, for good. Absent where an earlier release made the run: the first way. */
  exampleFormat: z.string().optional(),
  /** Of the labelled examples that it is fine-tuned on, once they were read. */
  labelledData: z
    .strictObject({
      fineTuning: fineTuningSchema,
      numTrainExamples: z.int().nonnegative(),
      numHeldOutExamples: z.int().nonnegative(),
    })
    .optional(),
  /** Of its dataset, once that exists and if it was measured. */
  datasetHealth: datasetHealthSchema.optional(),
  /** Of a ready dataset (`corpus.dataset`), which has settled them where the config does not. */
  datasetSettings: z
    .strictObject({ doLowerCase: z.boolean(), heldOutRatio: z.number() })
    .optional(),
  /** What has become of the export that its config asks for; absent before it began. */
  exported: z
    .strictObject({
      /** The section of the config that it was made by. */
      as: exportSectionSchema,
      /** Committed steps when it began. */
      endStep: z.int().nonnegative(),
      state: z.enum(['writing', 'done', 'failed']),
      /** For people: what was written, or why nothing was. */
      text: z.string(),
    })
    .optional(),
  /** Decided by its first worker; members that differ are refused. */
  numerics: numericsSchema.nullable(),
});
export type RunRecord = z.output<typeof runRecordSchema>;

/**
 * The export that a run's config asks for, while it has not been made for the steps that the run was completed with, and who
 * leads may go on with it.
 */
export function pendingExport({
  config,
  status,
  goal,
  attempts,
  exported,
}: RunRecord): { readonly as: ExportSection; readonly endStep: number } | undefined {
  const as = config.export;
  if (as === undefined || status !== 'completed' || goal !== 'trained') return undefined;
  const endStep = attempts.at(-1)?.toStep ?? 0;
  const isSame =
    exported?.endStep === endStep && exported.as.to === as.to && exported.as.for === as.for;
  return isSame && exported?.state !== 'writing' ? undefined : { as, endStep };
}

/** The example sets that a run reads, one for each of its phases; none before its dataset exists. */
export function exampleSetsOf({
  exampleSetId,
  phaseSetIds,
}: Pick<RunRecord, 'exampleSetId' | 'phaseSetIds'>): readonly string[] {
  return phaseSetIds ?? (exampleSetId === null ? [] : [exampleSetId]);
}

/** What `POST /api/runs` takes; the config is checked by `parseRunConfig`, which has the better messages. */
export const submitRequestSchema = z.strictObject({
  config: z.unknown(),
  goal: runRecordSchema.shape.goal,
});

const lineFields = z.object({
  kind: z.enum(['step', 'eval']),
  /** Attempt of the run that it belongs to. */
  attempt: z.int().positive(),
  step: z.int().nonnegative(),
  timeMs: z.number(),
  loss: z.number(),
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

/** A task's metrics by name. */
interface TaskMetrics {
  readonly [metric: string]: number | string | undefined;
}

/**
 * One line of a run's metrics: what happened in a committed step, or an evaluation after it. The metrics of the run's task
 * are beside those that all tasks have, each under its own name.
 */
export interface MetricsLine extends z.output<typeof lineFields>, TaskMetrics {}
/** A metrics line before it is known which attempt it belongs to. */
export interface MeasuredLine extends Omit<z.output<typeof lineFields>, 'attempt'>, TaskMetrics {}

export const metricsLineSchema = lineFields.catchall(z.unknown()).check(({ value, issues }) => {
  const isUnknown = ([name, metric]: [string, unknown]): boolean =>
    !(name in lineFields.shape) && typeof metric !== 'number';
  const keys = Object.entries(value).filter(isUnknown);
  if (keys.length > 0)
    issues.push({ code: 'unrecognized_keys', keys: keys.map(([key]) => key), input: value });
}) as unknown as z.ZodType<MetricsLine>;

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
  checkpointAtMs: z.number().nullable(),
  /** The checkpoint with the least held-out loss. */
  best: evaluationSchema.nullable().default(null),
  /** Numbers of the phases, from 1 on, that it is the best of, where others were evaluated on other examples. */
  bestPhases: z.array(z.int().positive()).optional(),
  /** A state that the bucket has not taken yet, and the worker that saves it; absent when all is saved. */
  saving: memberInfoSchema.shape.saving.unwrap().extend({ memberId: z.string() }).optional(),
  /** What saving the newest checkpoint took, while the worker lives that did it. */
  saved: memberInfoSchema.shape.saved,
  numWorkersAlive: z.int().nonnegative(),
  /** Release of berth that each of them runs, by member id, as far as they say. */
  releases: z.record(z.string(), z.string()),
  /** Why members of the view are about to leave, by member id. */
  drains: z.record(z.string(), z.string()).default({}),
  /** How far clocks of workers were ahead of Redis' when they started, by member id, where that is more than some seconds. */
  clocksAheadMs: z.record(z.string(), z.number()).default({}),
  /** Who joins connections of members that dial out only; absent where no two of them are in the view. */
  relay: relayReportSchema.optional(),
  /** What the links of its members allow; absent where they have none between them, and where no link's speed is known. */
  network: networkReportSchema.optional(),
  /** Mean loss of the whole run in up to 40 equal parts, oldest first. */
  sparkline: z.array(z.number()),
  controls: z.record(controlSchema, controlStateSchema),
  numExampleShards: z.int().nonnegative(),
  /** The phase of the next step, of a run that has several. */
  phase: z
    .strictObject({
      /** From 1 on. */
      number: z.int().positive(),
      numPhases: z.int().positive(),
      /** The step after its last. */
      endStep: z.int().positive(),
      maxSeqLength: z.int().positive(),
      globalBatch: z.int().positive(),
    })
    .optional(),
  /** What keeps it from going on as it should, though nothing is lost: for people, also in `run.reason`. */
  trouble: z.string().optional(),
  /** Once its dataset exists and if that was measured. */
  dataset: datasetReportSchema.optional(),
  /** How far its data is, while that is made. */
  preparation: preparationProgressSchema.optional(),
});
export type RunStatusReport = z.output<typeof runStatusSchema>;
