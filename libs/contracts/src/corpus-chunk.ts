import { z } from 'zod';
import { badInputsSchema } from './dataset-health.ts';

const count = z.int().nonnegative();

/** Formats of text, by the ending of a file's name. */
export const corpusFormats = ['txt', 'jsonl', 'csv', 'tsv', 'parquet', 'mds'] as const;
export const corpusCompressions = ['none', 'gzip', 'zstd', 'bz2', 'xz'] as const;

/** A file or object of a corpus, or a stretch of one. */
export const corpusPieceSchema = z.strictObject({
  /** Of the file: relative to the corpus, written with "/", after the name of its part if it has one. */
  name: z.string().min(1),
  /** An absolute path, or s3://bucket/key. */
  place: z.string().min(1),
  /** Of the whole file. */
  sizeBytes: count,
  /** As it was listed: the time of its last change, in ms since 1970, or its ETag. Text of another version is not read. */
  version: z.string(),
  format: z.enum(corpusFormats),
  compression: z.enum(corpusCompressions),
  /** Bytes in which its documents begin, from the first on and before the second; all of the file when left out. */
  range: z.tuple([count, count]).optional(),
});
export type CorpusPiece = z.output<typeof corpusPieceSchema>;

/** What one job reads of a corpus: several small files, or one stretch of a large one. */
export const corpusChunkSchema = z.strictObject({
  /** Of the corpus, where it has several. */
  part: z.string().optional(),
  pieces: z.array(corpusPieceSchema).min(1),
});
export type CorpusChunk = z.output<typeof corpusChunkSchema>;

/** A piece by what is in it: name, size of its file, range, SHA-256 of the bytes that are its own, compressed or not. */
export const pieceDigestSchema = z.tuple([
  z.string(),
  count,
  z.tuple([count, count]).nullable(),
  z.string().regex(/^[0-9a-f]{64}$/),
]);
export type PieceDigest = z.output<typeof pieceDigestSchema>;

/** Bytes that are a piece's own. */
export function sizeOfPiece({
  sizeBytes,
  range: [start, end] = [0, sizeBytes],
}: CorpusPiece): number {
  return end - start;
}

/** Bytes that are a chunk's own. */
export function sizeOfChunk({ pieces }: CorpusChunk): number {
  return pieces.reduce((sum, piece) => sum + sizeOfPiece(piece), 0);
}

/** What a reader counts as it goes; those of several chunks are added. */
export const corpusTallySchema = z.strictObject({
  /** Of the files as they lie there, so far; each byte counts for the piece it is of. */
  numBytes: count,
  /** Files by the encoding they were read in. */
  encodings: z.record(z.string(), count),
  /** Documents without a sentence. */
  numEmptyDocuments: count,
  /** Long documents that were cut into several. */
  numCutDocuments: count,
  /** Records whose text is null or missing. */
  numNullTexts: count,
  /** What could not be read and was passed over. */
  bad: badInputsSchema,
});
export type CorpusTally = z.output<typeof corpusTallySchema>;
