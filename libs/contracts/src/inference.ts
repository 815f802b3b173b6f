import { z } from 'zod';
import { runConfigSchema } from './run-config.ts';
import {
  predictionInputSchema,
  predictionSchema,
  readingSettingsSchema,
} from './tasks/fine-tuning/prediction.ts';
import { fineTuningReportSchema } from './tasks/fine-tuning/report.ts';
import { fineTuningSchema } from './tasks/fine-tuning/schema.ts';
import { tasks, type TaskName } from './tasks/index.ts';

const count = z.int().nonnegative();
const path = z.string().min(1);

/** A trained model, wherever it lies. */
export const modelPlaceSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('checkpoint'),
    /** In the bucket. */
    manifestKey: z.string().min(1),
    /** Of the run that it is of: how its held-out documents become examples. */
    examples: runConfigSchema.shape.examples,
    exampleFormat: z.string().optional(),
    /** Of a run that fine-tunes. */
    reading: readingSettingsSchema.optional(),
  }),
  /** One that was imported, in the bucket. */
  z.strictObject({ kind: z.literal('stored'), modelId: z.string().min(1) }),
  /** A Hugging Face folder on the machine that computes. */
  z.strictObject({ kind: z.literal('folder'), path }),
]);
export type ModelPlace = z.output<typeof modelPlaceSchema>;

/** How the hidden states of a text become one vector. */
export const poolings = ['mean', 'pooled', 'last-4'] as const;
export const poolingSchema = z.enum(poolings);
export type Pooling = z.output<typeof poolingSchema>;

/** Most candidates that are told of one mask. */
export const maxCandidates = 100;

/** What a model is for. */
const describeRequestSchema = z.strictObject({
  kind: z.literal('describe'),
  model: modelPlaceSchema,
});
const fillMaskRequestSchema = z.strictObject({
  kind: z.literal('fillMask'),
  model: modelPlaceSchema,
  /** Each with at least one [MASK]. */
  texts: z.array(z.string()).min(1),
  numCandidates: z.int().min(1).max(maxCandidates),
});
const embedRequestSchema = z.strictObject({
  kind: z.literal('embed'),
  model: modelPlaceSchema,
  texts: z.array(z.string()),
  pooling: poolingSchema,
  /** Whether vectors get the length 1. */
  isNormalized: z.boolean(),
});
/** Of a fine-tuned model. */
const predictRequestSchema = z.strictObject({
  kind: z.literal('predict'),
  model: modelPlaceSchema,
  inputs: z.array(predictionInputSchema),
  /** Tokens of an example at most; as it was trained when left out, or of a folder what it can take. */
  maxSeqLength: z.int().min(1).optional(),
});
const heldOut = {
  /** Texts to take examples of, as a run file names them; the run's own held-out documents when left out. */
  corpus: runConfigSchema.shape.corpus,
  numExamples: z.int().min(1),
  /** Tokens of an example at most; as the run has it when left out, and for others the default of a run file. */
  maxSeqLength: runConfigSchema.shape.examples.unwrap().shape.maxSeqLength.unwrap().optional(),
};
const evaluateRequestSchema = z.strictObject({
  kind: z.literal('evaluate'),
  model: modelPlaceSchema,
  ...heldOut,
  /** Whether each token is also masked alone: a forward pass for each. */
  hasPseudoPerplexity: z.boolean(),
});
/** Of a fine-tuned model, on rows that have labels. */
const evaluateRowsRequestSchema = z.strictObject({
  kind: z.literal('evaluateRows'),
  model: modelPlaceSchema,
  /** A file on the machine that computes; the held-out rows of the model's run when left out. */
  path: path.optional(),
  /** Over those that the run has. */
  columns: readingSettingsSchema.shape.columns,
  maxSeqLength: z.int().min(1).optional(),
});
/** Two models, the other less the first. */
export const compareRequestSchema = z.strictObject({
  kind: z.literal('compare'),
  model: modelPlaceSchema,
  other: modelPlaceSchema,
  ...heldOut,
});

/** What can be asked of trained models. */
export const inferenceRequestSchema = z.discriminatedUnion('kind', [
  describeRequestSchema,
  fillMaskRequestSchema,
  embedRequestSchema,
  predictRequestSchema,
  evaluateRequestSchema,
  evaluateRowsRequestSchema,
  compareRequestSchema,
]);
export type InferenceRequest = z.output<typeof inferenceRequestSchema>;
export type InferenceKind = InferenceRequest['kind'];

/** Which model answered: the step of a run, or a folder. */
const where = z.string();

export const describeResultSchema = z.strictObject({
  where,
  /** Null for one that is not fine-tuned, or has no such head. */
  fineTuning: fineTuningSchema.nullable(),
  /** Names of columns, of its run. */
  columns: readingSettingsSchema.shape.columns,
});
export type DescribeResult = z.output<typeof describeResultSchema>;

export const candidateSchema = z.strictObject({ token: z.string(), probability: z.number() });
export type Candidate = z.output<typeof candidateSchema>;

export const filledTextSchema = z.strictObject({
  /** All tokens of the text, special ones too, as the model read them. */
  tokens: z.array(z.string()),
  /** In the order of the text. */
  masks: z.array(
    z.strictObject({
      /** Of the mask among the tokens. */
      position: count,
      /** Likeliest first. */
      candidates: z.array(candidateSchema),
    }),
  ),
});
export type FilledText = z.output<typeof filledTextSchema>;

export const fillMaskResultSchema = z.strictObject({ where, texts: z.array(filledTextSchema) });
export type FillMaskResult = z.output<typeof fillMaskResultSchema>;

export const embedResultSchema = z.strictObject({
  where,
  /** One a text, in their order. */
  vectors: z.array(z.array(z.number())),
  /** Tokens of each text, special ones too, as far as the model could take them. */
  numTokens: z.array(count),
  /** Texts that were cut to what the model can take. */
  numCut: count,
});
export type EmbedResult = z.output<typeof embedResultSchema>;

export const predictResultSchema = z.strictObject({
  where,
  /** One an input, in their order. */
  predictions: z.array(predictionSchema),
  /** Inputs that were cut to the length of an example. */
  numCut: count,
});
export type PredictResult = z.output<typeof predictResultSchema>;

/** A mean over examples, and how far it may be off by the choice of these. */
const estimate = z.strictObject({ value: z.number(), standardError: z.number().nullable() });
export type Estimate = z.output<typeof estimate>;

const measured = {
  /** The name of the task. */
  task: z.enum(Object.keys(tasks) as [TaskName, ...TaskName[]]),
  numExamples: count,
  numTokens: count,
  /** Held-out documents that they are of. */
  numDocuments: count,
  /** Tokens of the longest example that there may be. */
  maxSeqLength: count,
};

export const evaluateResultSchema = z.strictObject({
  where,
  ...measured,
  /** The task's metrics by name, without those whose part of the head the model lacks. */
  metrics: z.record(z.string(), estimate),
  /** What the task's baselines reach on the same examples, by name, as far as they are known. */
  baselines: z.record(z.string(), z.number()),
  /** e to the mean loss of the masked tokens; null for a model without that head. */
  maskedPerplexity: z.number().nullable(),
  /** Where it was asked for: each token of the examples masked alone. */
  pseudoPerplexity: z
    .strictObject({
      /** As of Salazar et al. 2020: e to the mean of -ln p(token | all others). */
      perToken: z.number(),
      /** The same of words, whose probability is the product of their pieces', each with the later ones masked too. */
      perWord: z.number(),
      numTokens: count,
      numWords: count,
    })
    .nullable(),
});
export type EvaluateResult = z.output<typeof evaluateResultSchema>;

export const evaluateRowsResultSchema = z.strictObject({
  where,
  report: fineTuningReportSchema,
  numTokens: count,
  /** Tokens of the longest example that there may be. */
  maxSeqLength: count,
});
export type EvaluateRowsResult = z.output<typeof evaluateRowsResultSchema>;

export const compareResultSchema = z.strictObject({
  where,
  other: where,
  ...measured,
  metrics: z.record(
    z.string(),
    z.strictObject({
      value: z.number(),
      other: z.number(),
      /** Of the other less the first. */
      difference: estimate,
    }),
  ),
});
export type CompareResult = z.output<typeof compareResultSchema>;

/** What each request is answered with. */
export const inferenceResults = {
  describe: describeResultSchema,
  fillMask: fillMaskResultSchema,
  predict: predictResultSchema,
  embed: embedResultSchema,
  evaluate: evaluateResultSchema,
  evaluateRows: evaluateRowsResultSchema,
  compare: compareResultSchema,
} as const satisfies Record<InferenceKind, z.ZodType>;
export type InferenceResult<Kind extends InferenceKind = InferenceKind> = z.output<
  (typeof inferenceResults)[Kind]
>;
