import { z } from 'zod';
import { storedPartSchema } from './dataset.ts';
import { withCurrentNames } from './renamed-settings.ts';
import { runConfigSchema } from './run-config.ts';

const sections = runConfigSchema.shape;

/**
 * The dataset that a run asks for: read a corpus, train or load its vocabulary, write tokenised shards and their manifest; or find
 * that it still is the data which a known dataset was made of. It is stored by content, as `preparations/<requestId>.json`, and done
 * by the smaller jobs below.
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

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const index = z.int().nonnegative();

/** How words are counted: as they are written, or in lower case without accents. */
export const wordCases = ['cased', 'uncased'] as const;
const words = z.enum(wordCases);
export type WordCase = (typeof wordCases)[number];

/** List the files of a corpus and cut them into chunks. Leaves `plans/<planId>/`: the plan, and each chunk. */
export const inventoryJobSchema = z.strictObject({
  kind: z.literal('inventory'),
  runId: z.string(),
  requestId: sha256,
  /** Files may have changed since they were listed for an earlier request. */
  askedAtMs: z.number(),
});
export type InventoryJob = z.output<typeof inventoryJobSchema>;

export const inventoryJobResultSchema = z.strictObject({
  planId: sha256,
  /** A vocabulary that is not made of the corpus. */
  given: storedPartSchema.optional(),
});
export type InventoryJobResult = z.output<typeof inventoryJobResultSchema>;

/** Verify a dataset that was made elsewhere, and take it into the bucket. Answers as `dataset` jobs do. */
export const importJobSchema = z.strictObject({
  kind: z.literal('import'),
  runId: z.string(),
  requestId: sha256,
});
export type ImportJob = z.output<typeof importJobSchema>;

/** Read one chunk: the SHA-256 of its bytes, and its words where a vocabulary is made of them. */
export const surveyJobSchema = z.strictObject({
  kind: z.literal('survey'),
  runId: z.string(),
  planId: sha256,
  chunk: index,
  /** Absent: words are not counted. */
  words: words.optional(),
  /** Its text is stored for workers that do not see the corpus. */
  keepsText: z.literal(true).optional(),
});
export type SurveyJob = z.output<typeof surveyJobSchema>;

/** Add up words: of up to 16 chunks at level 1, of up to 16 sums of the level before above it. */
export const mergeCountsJobSchema = z.strictObject({
  kind: z.literal('mergeCounts'),
  runId: z.string(),
  planId: sha256,
  words,
  level: z.int().positive(),
  index,
});
export type MergeCountsJob = z.output<typeof mergeCountsJobSchema>;

/** Whether the corpus that was surveyed is that of the dataset which the request knows. */
export const compareJobSchema = z.strictObject({
  kind: z.literal('compare'),
  runId: z.string(),
  planId: sha256,
  requestId: sha256,
  /** A vocabulary that is not made of the corpus, as whoever lists that has stored it. */
  given: storedPartSchema.optional(),
});
export type CompareJob = z.output<typeof compareJobSchema>;

/** Absent: the corpus is another one now, and the run has not trained on it. */
export const compareJobResultSchema = z.strictObject({ manifestKey: z.string().optional() });
export type CompareJobResult = z.output<typeof compareJobResultSchema>;

/** Train, extend or take the vocabulary. With it the dataset's id is known: leaves its recipe. */
export const vocabularyJobSchema = z.strictObject({
  kind: z.literal('vocabulary'),
  runId: z.string(),
  planId: sha256,
  requestId: sha256,
  /** A vocabulary that is not made of the corpus, as whoever lists that has stored it. */
  given: storedPartSchema.optional(),
});
export type VocabularyJob = z.output<typeof vocabularyJobSchema>;

export const vocabularyJobResultSchema = z.strictObject({ datasetId: sha256 });
export type VocabularyJobResult = z.output<typeof vocabularyJobResultSchema>;

/** Tokenise one chunk. Leaves its documents sorted by shard and hash. */
export const tokeniseJobSchema = z.strictObject({
  kind: z.literal('tokenise'),
  runId: z.string(),
  datasetId: sha256,
  chunk: index,
});
export type TokeniseJob = z.output<typeof tokeniseJobSchema>;

/** Look over what tokenising has left, once it all is there, and settle what is held out and in how many shards. */
export const splitJobSchema = z.strictObject({
  kind: z.literal('split'),
  runId: z.string(),
  datasetId: sha256,
});
export type SplitJob = z.output<typeof splitJobSchema>;

/** Compare the signatures of all documents, and settle which are left out as near duplicates of others. */
export const nearDuplicatesJobSchema = z.strictObject({
  kind: z.literal('nearDuplicates'),
  runId: z.string(),
  datasetId: sha256,
});
export type NearDuplicatesJob = z.output<typeof nearDuplicatesJobSchema>;

/** Gather the documents of a shard, or of as many small ones as the split says, from all chunks, drop or number equal ones, and store them. */
export const assembleJobSchema = z.strictObject({
  kind: z.literal('assemble'),
  runId: z.string(),
  datasetId: sha256,
  split: z.enum(['train', 'heldOut']),
  /** The first, among those of its split: of all parts of the corpus, in the order of their names. */
  shard: index,
});
export type AssembleJob = z.output<typeof assembleJobSchema>;

/** Write the manifest, unless training on the data makes no sense, and delete what lay between. */
export const sealJobSchema = z.strictObject({
  kind: z.literal('seal'),
  runId: z.string(),
  datasetId: sha256,
  requestId: sha256,
});
export type SealJob = z.output<typeof sealJobSchema>;

function withCurrentExampleNames(examples: unknown): unknown {
  return (withCurrentNames({ examples }).config as { readonly examples: unknown }).examples;
}

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
  /** Of an earlier release perhaps. */
  examples: z.preprocess(withCurrentExampleNames, sections.examples),
});
export type ExamplesJob = z.output<typeof examplesJobSchema>;

/** The jobs that make a dataset of a corpus. Each may be done twice, anywhere; one whose result is there is done at once. */
export const datasetFlowJobSchema = z.discriminatedUnion('kind', [
  inventoryJobSchema,
  importJobSchema,
  surveyJobSchema,
  mergeCountsJobSchema,
  compareJobSchema,
  vocabularyJobSchema,
  tokeniseJobSchema,
  splitJobSchema,
  nearDuplicatesJobSchema,
  assembleJobSchema,
  sealJobSchema,
]);
export type DatasetFlowJob = z.output<typeof datasetFlowJobSchema>;

/** A job, and those that must be done before it. */
export interface JobFlow<J = Job> {
  readonly job: J;
  readonly after?: readonly JobFlow<J>[];
}

export const jobSchema = z.discriminatedUnion('kind', [
  ...datasetFlowJobSchema.options,
  labelledDatasetJobSchema,
  examplesJobSchema,
]);
export type Job = z.output<typeof jobSchema>;
