import { z } from 'zod';

const count = z.int().nonnegative();

/** Something in the corpus's folder that was not read. */
export const leftOutEntrySchema = z.strictObject({
  /** Relative to the corpus. */
  name: z.string(),
  /** For people. */
  reason: z.string(),
});
export type LeftOutEntry = z.output<typeof leftOutEntrySchema>;

/** What was not read, as the corpus was listed: how much, and the first by name. */
export const leftOutSchema = z.strictObject({
  numEntries: count,
  first: z.array(leftOutEntrySchema),
});
export type LeftOut = z.output<typeof leftOutSchema>;

/** A line, record or file that could not be read, and was passed over because `corpus.skipBad` says so. */
export const badInputSchema = z.strictObject({
  /** Of the file, as the corpus names it. */
  name: z.string(),
  /** Where in it, and what is wrong; for people. */
  problem: z.string(),
});

/** What could not be read: how much, and the first of it. */
export const badInputsSchema = z.strictObject({
  /** Lines and records. */
  numRecords: count,
  /** Files, from some place on. */
  numFiles: count,
  first: z.array(badInputSchema),
});
export type BadInputs = z.output<typeof badInputsSchema>;

const piecesSchema = z.strictObject({ numTokens: count, numUnknownTokens: count });

/** What extending a vocabulary did for the words of a corpus, held out or not; too long ones do not count. */
export const vocabularyExtensionSchema = z.strictObject({
  numPieces: count,
  numWords: count,
  before: piecesSchema,
  after: piecesSchema,
});
export type VocabularyExtension = z.output<typeof vocabularyExtensionSchema>;

/** What became of a corpus on its way to tokens: measured while a dataset is made. */
export const datasetHealthSchema = z.strictObject({
  numFiles: count,
  /** On disk, compressed or not. */
  numBytes: count,
  leftOut: leftOutSchema,
  /** Files by the encoding they were read in. */
  encodings: z.record(z.string(), count),
  /** With text. */
  numDocuments: count,
  /** Equal to another one, dropped or kept. Absent in what older releases made, which kept all. */
  numDuplicates: count.optional(),
  /** Left out, as they are nearly equal to one that stayed; absent where that was not asked for. */
  numNearDuplicates: count.optional(),
  /** Passed over: without any token. */
  numEmptyDocuments: count,
  numOneSentenceDocuments: count,
  /** Long documents that were cut into several. */
  numCutDocuments: count.optional(),
  /** Records without text, passed over. */
  numNullTexts: count.optional(),
  bad: badInputsSchema.optional(),
  numSentences: count,
  numTrainTokens: count,
  numHeldOutTokens: count,
  /** [UNK] among the tokens. */
  numUnknownTokens: count,
  /** UTF-16 code units that are no space. */
  numCharacters: count,
  /** Of those, in words that became [UNK]. */
  numUnknownCharacters: count,
  /** Of those, control and replacement characters, which tokenising drops. */
  numDroppedCharacters: count,
  /** Words of more than 200 characters, each one [UNK]. */
  numLongWords: count,
  /** Entries of the vocabulary that have a capital letter: lower-cased text never matches them. */
  numCasedEntries: count,
  /** At most this share of the training tokens is in an epoch's examples; by sequence length, ascending. */
  coverage: z.array(z.strictObject({ maxSeqLength: z.int().positive(), ratio: z.number() })),
  /** Of a vocabulary that was extended for this corpus. */
  extension: vocabularyExtensionSchema.optional(),
});
export type DatasetHealth = z.output<typeof datasetHealthSchema>;
