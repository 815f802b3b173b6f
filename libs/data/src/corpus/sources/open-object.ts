import type { CorpusPiece } from '@berth/contracts';
import type { CorpusObjects } from './corpus-objects.ts';
import { changedError, type PieceBytes } from './piece-bytes.ts';

/** Opens an object of a corpus. Each reading of it is of the version that was listed, or fails. */
export function openObject(
  piece: CorpusPiece,
  objects: CorpusObjects,
  signal: AbortSignal | undefined,
): PieceBytes {
  return {
    blockBytes: 1 << 22,
    async read(start, end) {
      const bytes = await objects.read(piece, { start, end, signal });
      if (bytes === undefined) throw changedError(piece);
      return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    },
    isUnchanged: () => Promise.resolve(true),
    close: () => Promise.resolve(),
  };
}
