import type { CorpusChunk, PieceDigest } from '@berth/contracts';
import { digestFiles } from './corpus-digest.ts';
import type { CorpusObjects } from './sources/corpus-objects.ts';

export interface DigestPiecesOptions {
  /** Where the corpus may be in buckets. */
  readonly s3?: CorpusObjects | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Told at the start, and after each megabyte or file, how many bytes were read. */
  readonly onRead?: ((numBytes: number) => void) | undefined;
}

/**
 * The pieces of a chunk by their own bytes, in order; objects by their ETags, without being read.
 * @throws BerthError DATA_CORPUS_NOT_FOUND or DATA_CORPUS_INVALID when a piece cannot be read or is of another version; the
 * signal's reason when aborted
 */
export async function digestPieces(
  { pieces }: CorpusChunk,
  { signal, onRead }: DigestPiecesOptions = {},
): Promise<PieceDigest[]> {
  let numBytes = 0;
  onRead?.(numBytes);
  const digests: PieceDigest[] = [];
  for (const piece of pieces) {
    const files = [{ ...piece, path: piece.place }];
    const [file] = await digestFiles(files, { signal, onRead: (num) => onRead?.(numBytes + num) });
    numBytes += file!.sizeBytes;
    digests.push([piece.name, file!.sizeBytes, piece.range ?? null, file!.sha256]);
  }
  return digests;
}
