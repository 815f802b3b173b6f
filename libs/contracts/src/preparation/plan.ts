import { z } from 'zod';
import { corpusTallySchema } from '../corpus-chunk.ts';
import {
  datasetHealthSchema,
  leftOutSchema,
  vocabularyExtensionSchema,
} from '../dataset-health.ts';
import {
  datasetManifestSchema,
  documentShardSchema,
  storedPartSchema,
  textRulesSchema,
} from '../dataset.ts';
import { runConfigSchema } from '../run-config.ts';

const count = z.int().nonnegative();
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
/** Of a document. */
const hash = z.string().regex(/^[0-9a-f]{32}$/);

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
  /** Of each part of the corpus. */
  shardsPerPart: z.int().positive(),
  /** Training shards that one job puts together, as far as they are of one part. @defaultValue 1 */
  shardsPerJob: z.int().positive().optional(),
  /** Run files of each chunk. */
  numRuns: z.array(count),
  /** Of the one document that is held out where no hash says so, and of the one that trains where all say otherwise. */
  heldOutHash: hash.optional(),
  trainHash: hash.optional(),
});
export type Split = z.output<typeof splitSchema>;

/** What tokenising found besides tokens. */
const tokenTallySchema = datasetHealthSchema.pick({
  numUnknownTokens: true,
  numCharacters: true,
  numUnknownCharacters: true,
  numDroppedCharacters: true,
  numLongWords: true,
});

/** Of documents: where its hash stands in the hold-out, and the hash. */
const placedHashSchema = z.tuple([z.number(), hash]);

/** What tokenising a chunk has left. */
export const tokenisedSchema = z.strictObject({
  format: z.literal('berth-tokenised/1'),
  numRuns: count,
  /** With text; equal ones as often as they are there. */
  numDocuments: count,
  numTokens: count,
  /** Bytes of their records. */
  trainBytes: count,
  heldOutBytes: count,
  /** Of all its documents; absent where it has none. */
  least: placedHashSchema.optional(),
  greatest: placedHashSchema.optional(),
  /** Of the corpus, where that has several. */
  part: z.string().optional(),
  read: corpusTallySchema,
  tokens: tokenTallySchema,
});
export type Tokenised = z.output<typeof tokenisedSchema>;

/** Document shards that a job has put together, and what was counted on the way. One of no documents is no part of the dataset. */
export const assembledSchema = z.strictObject({
  format: z.literal('berth-assembled/2'),
  /** In order. */
  shards: z.array(documentShardSchema).min(1),
  numOneSentenceDocuments: count,
  /** Documents that are equal to another before them, dropped or kept. */
  numDuplicates: count,
  /** Documents that were left out as they are nearly equal to another; absent where that was not asked for. */
  numNearDuplicates: count.optional(),
  /** Of their tokens, as many reach examples of each length; see the health's coverage. */
  numCovered: z.array(count),
  /** How often they have each entry of the vocabulary: a list of 32-bit numbers. */
  tokenCounts: storedPartSchema,
});
export type Assembled = z.output<typeof assembledSchema>;
