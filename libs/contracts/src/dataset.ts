import { z } from 'zod';
import { datasetHealthSchema } from './dataset-health.ts';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const size = z.int().nonnegative();

/** An immutable stored part: where it is and how to prove it. */
export const storedPartSchema = z.strictObject({
  key: z.string().min(1),
  sizeBytes: size,
  sha256,
});
export type StoredPart = z.output<typeof storedPartSchema>;

export const documentShardSchema = storedPartSchema.extend({
  numDocuments: size,
  numSentences: size,
  numTokens: size,
  /** The part of the corpus that its documents are of, where that has several. */
  part: z.string().optional(),
  /** What its documents are called where they come from and where they stand there, one line of JSON each; absent in what older releases made. */
  names: storedPartSchema.optional(),
});
export type DocumentShard = z.output<typeof documentShardSchema>;

/** A file of a corpus: its name in it, its size in bytes and the SHA-256 of these. */
export const fileDigestSchema = z.tuple([z.string(), size, sha256]);

/** Occurrences of each entry of a vocabulary, by id. */
export const tokenCountsSchema = z.array(size);

/** Versions of the JavaScript engine's tables of text: Unicode's, and those of ICU, which splits sentences. */
export const textRulesSchema = z.strictObject({ unicode: z.string(), icu: z.string() });
export type TextRules = z.output<typeof textRulesSchema>;

/** What names a document of a dataset of the third format, whatever its place: 16 bytes in hex. */
export const documentHashSchema = z.string().regex(/^[0-9a-f]{32}$/);

/** Most documents of a dataset that can be forgotten: its manifest names them. */
export const maxTombstones = 100_000;

/** A tokenised corpus, made once: written last, after every part it names. */
export const datasetManifestSchema = z.strictObject({
  /** The second: each training shard is of one part of the corpus. The third: documents are placed by their content (ADR 0073). */
  format: z.enum(['berth-dataset/1', 'berth-dataset/2', 'berth-dataset/3']),
  /** Digest of the corpus bytes and of every setting that shapes the parts. */
  datasetId: sha256,
  /** Of the names and bytes of the corpus files. */
  corpusDigest: sha256,
  /** Those files, one line [name, size, SHA-256] each, of the third format [name, size, range, SHA-256]. Absent in what older releases made. */
  corpusFiles: storedPartSchema.optional(),
  vocabulary: storedPartSchema.extend({
    numTokens: size,
    /** SHA-256 of the vocab.txt that it was extended from. */
    extendedFrom: sha256.optional(),
  }),
  /** How often each entry occurs in the training documents. Absent in what older releases made. */
  tokenCounts: storedPartSchema.optional(),
  doLowerCase: z.boolean(),
  heldOutRatio: z.number(),
  /**
   * Whose tables decided what is a letter, a space or the end of a sentence; part of the dataset's identity. Absent in what
   * older releases made.
   */
  textRules: textRulesSchema.optional(),
  /** Absent in what older releases made. */
  health: datasetHealthSchema.optional(),
  /** Of one that was made of another by forgetting documents. */
  forgotten: z
    .strictObject({
      /** The dataset that had all of them. */
      datasetId: sha256,
      /** Hashes of those that are forgotten, sorted. */
      tombstones: z.array(documentHashSchema).min(1),
    })
    .optional(),
  train: z.array(documentShardSchema).min(1),
  /** Of the formats before the third: their only one. */
  heldOut: documentShardSchema.optional(),
  /** Of the third format, which may have several. */
  heldOutShards: z.array(documentShardSchema).min(1).optional(),
});
export type DatasetManifest = z.output<typeof datasetManifestSchema>;

/** The held-out shards of a dataset of any format; one without documents where nothing is held out. */
export function heldOutShardsOf({
  heldOut,
  heldOutShards,
}: Pick<DatasetManifest, 'heldOut' | 'heldOutShards'>): readonly DocumentShard[] {
  return heldOutShards ?? (heldOut === undefined ? [] : [heldOut]);
}

/** What an example job leaves behind: an immutable example shard and its facts. */
export const exampleShardSchema = storedPartSchema.extend({
  split: z.enum(['train', 'heldOut']),
  epoch: size,
  shard: size,
  numExamples: size,
  numTokens: size,
  /** Labels of all examples. */
  numPredictions: size,
});
export type ExampleShard = z.output<typeof exampleShardSchema>;

/** Where an example shard is indexed: `train/<epoch>/<shard>`. */
export function exampleShardField(
  split: ExampleShard['split'],
  epoch: number,
  shard: number,
): string {
  return `${split}/${epoch}/${shard}`;
}
