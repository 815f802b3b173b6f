import type { CorpusPiece } from '@berth/contracts';
import { isInBucket, requireBuckets } from './buckets.ts';
import type { CorpusObjects } from './corpus-objects.ts';
import { openFile } from './open-file.ts';
import { openObject } from './open-object.ts';
import type { PieceBytes } from './piece-bytes.ts';

export interface SourceOptions {
  /** Where the corpus may be in buckets. */
  readonly s3?: CorpusObjects | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Opens a piece of a corpus, wherever it lies.
 * @throws BerthError DATA_CORPUS_NOT_FOUND or DATA_CORPUS_INVALID, as reading from it does; `STORE_*` of a bucket
 */
export async function openPiece(
  piece: CorpusPiece,
  { s3, signal }: SourceOptions,
): Promise<PieceBytes> {
  const { place } = piece;
  return isInBucket(place) ? openObject(piece, requireBuckets(place, s3), signal) : openFile(piece);
}
