import { createHash } from 'node:crypto';
import {
  canonicalJson,
  sha256Hex,
  type CorpusChunk,
  type CorpusPiece,
  type PieceDigest,
} from '@berth/contracts';
import { openFile } from './sources/open-file.ts';
import { isInBucket } from './sources/buckets.ts';
import { changedError, otherError, streamBytes } from './sources/piece-bytes.ts';

export interface DigestPiecesOptions {
  readonly signal?: AbortSignal | undefined;
  /** Told at the start, and again and again, how many bytes were read. */
  readonly onRead?: ((numBytes: number) => void) | undefined;
}

/**
 * The pieces of a chunk by their own bytes, in order; objects by their ETags, without being read.
 * @throws BerthError DATA_CORPUS_NOT_FOUND or DATA_CORPUS_INVALID when a piece cannot be read, DATA_CORPUS_CHANGED when it is of another
 * version; the signal's reason when aborted
 */
export async function digestPieces(
  { pieces }: CorpusChunk,
  { signal, onRead }: DigestPiecesOptions = {},
): Promise<PieceDigest[]> {
  let numBytes = 0;
  onRead?.(numBytes);
  const digests: PieceDigest[] = [];
  for (const piece of pieces) {
    const digestOf = isInBucket(piece.place) ? digestOfObject : digestOfFile;
    const sha256 = await digestOf(piece, (num) => {
      signal?.throwIfAborted();
      onRead?.((numBytes += num));
    });
    digests.push([piece.name, piece.sizeBytes, piece.range ?? null, sha256]);
  }
  return digests;
}

async function digestOfFile(
  piece: CorpusPiece,
  onBlock: (numBytes: number) => void,
): Promise<string> {
  const [start, end] = piece.range ?? [0, piece.sizeBytes];
  const digest = createHash('sha256');
  const bytes = await openFile(piece);
  try {
    if (!(await bytes.isUnchanged())) throw otherError(piece);
    if (start < end)
      for await (const block of streamBytes(bytes, { ...piece, sizeBytes: end }, { start, ownEnd: end })) {
        digest.update(block);
        onBlock(block.length);
      }
    if (!(await bytes.isUnchanged())) throw changedError(piece);
  } finally {
    await bytes.close();
  }
  return digest.digest('hex');
}

/** An ETag stands for the bytes: to read a bucket twice costs more than to make data again of what was copied. */
function digestOfObject({ sizeBytes, version, range }: CorpusPiece): Promise<string> {
  return Promise.resolve(sha256Hex(canonicalJson({ version, sizeBytes, range: range ?? null })));
}
