import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { corpusPartsOf, type CorpusChunk, type CorpusConfig, type CorpusPiece, type LeftOut } from '@berth/contracts';
import { findCorpusFiles, maxNamed, toCorpusError } from './corpus-files.ts';
import type { CorpusRoots } from './corpus-roots.ts';
import type { CorpusObjects } from './sources/corpus-objects.ts';

export interface FindChunksOptions {
  readonly roots?: CorpusRoots | undefined;
  /** Where the corpus may be in buckets. */
  readonly s3?: CorpusObjects | undefined;
  /** About how much a chunk holds. @defaultValue 32 MiB, or more where that makes more than 4,096 chunks */
  readonly chunkBytes?: number | undefined;
}

/** A corpus, cut into what a job reads. */
export interface CorpusInventory {
  /** By part and name. */
  readonly chunks: readonly CorpusChunk[];
  readonly leftOut: LeftOut;
  readonly numFiles: number;
  /** Of the files as they lie there, compressed or not. */
  readonly numBytes: number;
}

const leastChunkBytes = 32 * 2 ** 20;
const maxChunks = 4096;

/**
 * Lists a corpus and cuts it into chunks of about the same size.
 * @throws BerthError DATA_CORPUS_NOT_FOUND, DATA_CORPUS_EMPTY or DATA_CORPUS_INVALID
 */
export async function findCorpusChunks(
  corpus: Pick<CorpusConfig, 'path' | 'parts'>,
  { roots, chunkBytes }: FindChunksOptions = {},
): Promise<CorpusInventory> {
  const parts: { part?: string; pieces: CorpusPiece[]; leftOut: LeftOut }[] = [];
  for (const { name: part, path } of corpusPartsOf(corpus)) {
    const { files, leftOut } = await findCorpusFiles(path, { roots });
    const nameOf = (name: string): string => (part === undefined ? name : `${part}/${name}`);
    const pieces: CorpusPiece[] = [];
    for (const { path: place, name, sizeBytes, format, compression } of files) {
      const { mtimeMs } = await stat(place).catch((error: unknown) => {
        throw toCorpusError(place, error);
      });
      const version = String(mtimeMs);
      pieces.push({ name: nameOf(name), place: resolve(place), sizeBytes, version, format, compression });
    }
    const first = leftOut.first.map((entry) => ({ ...entry, name: nameOf(entry.name) }));
    parts.push({ ...(part !== undefined && { part }), pieces, leftOut: { ...leftOut, first } });
  }
  const all = parts.flatMap(({ pieces }) => pieces);
  const numBytes = all.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const most = chunkBytes ?? Math.max(leastChunkBytes, Math.ceil(numBytes / maxChunks));
  return {
    chunks: parts.flatMap(({ part, pieces }) =>
      packed(pieces, most).map((some) => ({ ...(part !== undefined && { part }), pieces: some })),
    ),
    leftOut: {
      numEntries: parts.reduce((sum, { leftOut }) => sum + leftOut.numEntries, 0),
      first: parts.flatMap(({ leftOut }) => leftOut.first).slice(0, maxNamed),
    },
    numFiles: all.length,
    numBytes,
  };
}

function packed(pieces: readonly CorpusPiece[], most: number): CorpusPiece[][] {
  const chunks: CorpusPiece[][] = [];
  let numBytes = Infinity;
  for (const piece of pieces) {
    numBytes += piece.sizeBytes;
    if (numBytes > most) {
      chunks.push([]);
      numBytes = piece.sizeBytes;
    }
    chunks.at(-1)?.push(piece);
  }
  return chunks;
}
