import { z } from 'zod';
import {
  compareRequestSchema,
  compareResultSchema,
  embedResultSchema,
  evaluateResultSchema,
  filledTextSchema,
  poolingSchema,
  predictResultSchema,
} from '../inference.ts';
import { folderLayoutSchema } from '../export-section.ts';
import { runNamePattern } from '../run-name.ts';
import { boundedPredictionInputSchema } from '../tasks/fine-tuning/prediction.ts';

/** Which checkpoint of a run is asked: a step, the newest, or the one with the least held-out loss. */
export const checkpointChoiceSchema = z
  .union([z.enum(['newest', 'best']), z.int().nonnegative()])
  .default('newest');
export type CheckpointChoice = z.output<typeof checkpointChoiceSchema>;

/** Longest text of a request, in UTF-16 units: longer than any model takes. */
export const maxTextLength = 10_000;
const text = z.string().min(1).max(maxTextLength);
const numExamples = z.int().min(1).max(1_024).default(256);
const checkpoint = checkpointChoiceSchema;
/** The step whose model has answered. */
const step = z.int().nonnegative();

export const fillMaskBodySchema = z.strictObject({
  /** With at least one [MASK]. */
  text,
  numCandidates: z.int().min(1).max(50).default(5),
  checkpoint,
});
export const fillMaskAnswerSchema = filledTextSchema.extend({ step });
export type FillMaskAnswer = z.output<typeof fillMaskAnswerSchema>;

/** Into the bucket, beside the run. */
export const exportBodySchema = z.strictObject({
  checkpoint,
  for: folderLayoutSchema.default('transformers'),
});
export const exportAnswerSchema = z.strictObject({
  step,
  /** `s3://bucket/prefix` */
  place: z.string(),
  files: z.array(z.string()),
  sizeBytes: z.int().nonnegative(),
  /** Of model.safetensors. */
  sha256: z.string(),
  /** The class of transformers that opens it. */
  architecture: z.string(),
});
export type ExportAnswer = z.output<typeof exportAnswerSchema>;

export const embedBodySchema = z.strictObject({
  texts: z.array(text).min(1).max(32),
  pooling: poolingSchema.default('mean'),
  isNormalized: z.boolean().default(false),
  checkpoint,
});
export const embedAnswerSchema = embedResultSchema.omit({ where: true }).extend({ step });

export const predictBodySchema = z.strictObject({
  /** All of the kind that the run is fine-tuned for. */
  inputs: z.array(boundedPredictionInputSchema).min(1).max(32),
  checkpoint,
});
/** One prediction an input, in their order. */
export const predictAnswerSchema = predictResultSchema.omit({ where: true }).extend({ step });
export type PredictAnswer = z.output<typeof predictAnswerSchema>;

/** Tokens of an example at most; the run's own length when left out. */
const { maxSeqLength } = compareRequestSchema.shape;

export const evaluateBodySchema = z.strictObject({ numExamples, maxSeqLength, checkpoint });
export const evaluateAnswerSchema = evaluateResultSchema
  .omit({ where: true, pseudoPerplexity: true })
  .extend({ step });

export const compareBodySchema = z.strictObject({
  numExamples,
  maxSeqLength,
  checkpoint,
  /** What it is compared with, on the held-out documents of the first. */
  other: z.strictObject({ runId: z.string().regex(runNamePattern), checkpoint }),
});
export const compareAnswerSchema = compareResultSchema
  .omit({ where: true, other: true })
  .extend({ step, otherStep: step });
