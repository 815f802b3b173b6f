import { z } from 'zod';
import { leftOutSchema, vocabularyExtensionSchema } from '../dataset-health.ts';
import { datasetManifestSchema, storedPartSchema, textRulesSchema } from '../dataset.ts';
import { runConfigSchema } from '../run-config.ts';

const count = z.int().nonnegative();
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

/** What an inventory of a corpus leaves: how much there is, and into how many chunks it is cut. Each chunk is an object of its own. */
export const planSchema = z.strictObject({
  format: z.literal('berth-plan/1'),
  /** Digest of the corpus settings and of all chunks: where they lie, their sizes and versions. */
  planId: sha256,
  corpus: runConfigSchema.shape.corpus.unwrap(),
  numFiles: count,
  /** Of the files as they lie there, compressed or not. */
  numBytes: count,
  leftOut: leftOutSchema,
  /** Bytes of each chunk, in order; their number is that of the chunks. */
  chunkBytes: z.array(count).min(1),
  /** Training shards, of each part of the corpus. */
  numShards: z.int().positive(),
  /** Of whoever listed it: the tables that decide what is a word or a sentence. Workers with others leave its text alone. */
  textRules: textRulesSchema,
});
export type Plan = z.output<typeof planSchema>;

/** Everything that decides the bytes of a dataset, and where its text is read: all that tokenising and what follows ask for. */
export const recipeSchema = z.strictObject({
  format: z.literal('berth-recipe/1'),
  datasetId: sha256,
  plan: planSchema,
  /** SHA-256 of the list of pieces that `corpusFiles` stores. */
  corpusDigest: sha256,
  corpusFiles: storedPartSchema,
  vocabulary: datasetManifestSchema.shape.vocabulary,
  doLowerCase: z.boolean(),
  textRules: textRulesSchema,
  /** Of a vocabulary that was extended for this corpus. */
  extension: vocabularyExtensionSchema.optional(),
});
export type Recipe = z.output<typeof recipeSchema>;

/** What looking over all tokenised chunks settles: in how many shards a dataset lies, of all parts of the corpus together. */
export const splitSchema = z.strictObject({
  format: z.literal('berth-split/1'),
  numTrainShards: z.int().positive(),
  numHeldOutShards: count,
});
export type Split = z.output<typeof splitSchema>;
