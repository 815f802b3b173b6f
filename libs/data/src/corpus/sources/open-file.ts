import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { BerthError, type CorpusPiece } from '@berth/contracts';
import { toCorpusError } from '../corpus-files.ts';
import { changedError, type PieceBytes } from './piece-bytes.ts';

/** Files that are read at once: to wait for each call takes several times as long as the call. */
const smallBytes = 1 << 16;

/**
 * Opens a file of a corpus.
 * @throws BerthError DATA_CORPUS_NOT_FOUND or DATA_CORPUS_INVALID, as reading from it does
 */
export async function openFile(piece: CorpusPiece): Promise<PieceBytes> {
  const { place, sizeBytes, version } = piece;
  if (sizeBytes <= smallBytes) return openSmallFile(piece);
  const asCorpusError = (error: unknown): never => {
    throw asPieceError(place, error);
  };
  const file = await open(place).catch(asCorpusError);
  return {
    blockBytes: 1 << 18,
    async read(start, end) {
      const block = Buffer.allocUnsafe(end - start);
      for (let at = 0; at < block.length; ) {
        const { bytesRead } = await file
          .read(block, at, block.length - at, start + at)
          .catch(asCorpusError);
        if (bytesRead === 0) throw changedError(piece);
        at += bytesRead;
      }
      return block;
    },
    async isUnchanged() {
      const { size, mtimeMs } = await file.stat().catch(asCorpusError);
      return size === sizeBytes && String(mtimeMs) === version;
    },
    close: () => file.close(),
  };
}

/** The error for a file that was there when the corpus was listed. */
function asPieceError(path: string, error: unknown): BerthError {
  const listed = toCorpusError(path, error);
  if (listed.code !== 'DATA_CORPUS_NOT_FOUND') return listed;
  return new BerthError(
    'DATA_CORPUS_NOT_FOUND',
    `corpus ${path} is gone since it was listed, or is not on this machine: put it back, or start again without it`,
    { cause: error, details: { path } },
  );
}

function openSmallFile(piece: CorpusPiece): PieceBytes {
  const { place, sizeBytes, version } = piece;
  const attempt = <Result>(call: () => Result): Result => {
    try {
      return call();
    } catch (error) {
      throw asPieceError(place, error);
    }
  };
  const file = attempt(() => openSync(place, 'r'));
  return {
    blockBytes: smallBytes,
    read: async (start, end) => {
      const block = Buffer.allocUnsafe(end - start);
      const numRead = attempt(() => readSync(file, block, 0, block.length, start));
      if (numRead < block.length) throw changedError(piece);
      return Promise.resolve(block);
    },
    isUnchanged: async () => {
      const { size, mtimeMs } = attempt(() => fstatSync(file));
      return Promise.resolve(size === sizeBytes && String(mtimeMs) === version);
    },
    close: async () => Promise.resolve(attempt(() => closeSync(file))),
  };
}
