import { z } from 'zod';
import { storedPartSchema } from './dataset.ts';
import { runConfigSchema } from './run-config.ts';

const sections = runConfigSchema.shape;

/**
 * Read a corpus, train or load its vocabulary, write tokenised shards and their manifest; or find that it still is the
 * data which a known dataset was made of.
 */
export const datasetJobSchema = z.strictObject({
  kind: z.literal('dataset'),
  runId: z.string(),
  corpus: sections.corpus.unwrap(),
  vocabulary: sections.vocabulary,
  /** That of the model which the run begins with: the dataset has it, or it extended. */
  modelVocabulary: storedPartSchema.optional(),
  numShards: z.int().positive(),
  /** As the run's task does; left out where it does. */
  pairsSentences: z.boolean().optional(),
  seed: sections.seed,
  /** When it was asked for: files may have changed since they were read for an earlier request. */
  askedAtMs: z.number(),
  /** The dataset that the run has, made with the same settings. */
  known: z
    .strictObject({
      manifestKey: z.string(),
      /** The run has trained on it: other data is refused. */
      isTrainedOn: z.boolean(),
    })
    .optional(),
});
export type DatasetJob = z.output<typeof datasetJobSchema>;

/** Read labelled examples, and store them as shards with their manifest; or find that they still are those of before. */
export const labelledDatasetJobSchema = z.strictObject({
  kind: z.literal('labelledDataset'),
  runId: z.string(),
  task: sections.task.unwrap(),
  vocabulary: sections.vocabulary,
  /** That of the model which the run begins with. */
  modelVocabulary: storedPartSchema.optional(),
  maxSeqLength: z.int().positive(),
  numShards: z.int().positive(),
  askedAtMs: z.number(),
  known: datasetJobSchema.shape.known,
});
export type LabelledDatasetJob = z.output<typeof labelledDatasetJobSchema>;

export const datasetJobResultSchema = z.strictObject({ manifestKey: z.string() });
export type DatasetJobResult = z.output<typeof datasetJobResultSchema>;

/** Make one example shard from one dataset shard. References only: well under 1 KiB. Same job, same bytes. */
export const examplesJobSchema = z.strictObject({
  kind: z.literal('examples'),
  exampleSetId: z.string(),
  /** Absent: the first. */
  exampleFormat: z.string().optional(),
  manifestKey: z.string(),
  split: z.enum(['train', 'heldOut']),
  epoch: z.int().nonnegative(),
  shard: z.int().nonnegative(),
  seed: sections.seed,
  examples: sections.examples,
});
export type ExamplesJob = z.output<typeof examplesJobSchema>;

export const jobSchema = z.discriminatedUnion('kind', [
  datasetJobSchema,
  labelledDatasetJobSchema,
  examplesJobSchema,
]);
export type Job = z.output<typeof jobSchema>;
