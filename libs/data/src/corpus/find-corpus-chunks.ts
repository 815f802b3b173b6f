import {
  corpusPartsOf,
  sizeOfPiece,
  type CorpusChunk,
  type CorpusConfig,
  type CorpusPiece,
  type LeftOut,
} from '@berth/contracts';
import { findCorpusFiles, maxNamed, type FindFilesOptions } from './corpus-files.ts';
import { giveTurn, isTurnDue } from '../text/work.ts';
import { openPiece, type SourceOptions } from './sources/open-piece.ts';
import { isStoredInUtf8 } from './text-encoding.ts';

export interface FindChunksOptions extends FindFilesOptions {
  /** About how much a chunk holds. @defaultValue what `chunkBytesFor` says */
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

/** What a chunk takes besides its text, requests and jobs, is a twentieth of what this much text takes. */
const leastChunkBytes = 4 * 2 ** 20;
const usualChunkBytes = 32 * 2 ** 20;
/** So many keep several workers equally busy to the end. */
const enoughChunks = 64;
const maxChunks = 4096;
/** What a file costs besides its bytes; so it bounds how many are in a chunk. */
const fileCostBytes = 8 * 2 ** 10;

interface Part {
  readonly part: string | undefined;
  readonly files: readonly CorpusPiece[];
  readonly leftOut: LeftOut;
}

/**
 * Lists a corpus and cuts it into chunks of about the same size. Lines in UTF-8 that are not compressed are cut wherever it has to be, .parquet
 * between groups of rows; other files are read whole.
 * @throws BerthError DATA_CORPUS_NOT_FOUND, DATA_CORPUS_EMPTY or DATA_CORPUS_INVALID
 */
export async function findCorpusChunks(
  corpus: Pick<CorpusConfig, 'path' | 'parts'> & Partial<Pick<CorpusConfig, 'encoding'>>,
  { chunkBytes, ...options }: FindChunksOptions = {},
): Promise<CorpusInventory> {
  const parts: Part[] = [];
  for (const { name: part, path } of corpusPartsOf(corpus)) {
    const setting = part === undefined ? options.setting : `the path of "${part}" in corpus.parts`;
    const { files, leftOut } = await findCorpusFiles(path, { ...options, setting });
    const inPart = <T extends { readonly name: string }>(entry: T): T =>
      part === undefined ? entry : { ...entry, name: `${part}/${entry.name}` };
    const first = leftOut.first.map(inPart);
    parts.push({ part, files: files.map(inPart), leftOut: { ...leftOut, first } });
  }
  const all = parts.flatMap(({ files }) => files);
  const cost = all.reduce((sum, file) => sum + costOf(file), 0);
  const mostBytes = chunkBytes ?? chunkBytesFor(cost);
  const chunks: CorpusChunk[] = [];
  for (const { part, files } of parts) {
    const pieces: CorpusPiece[] = [];
    for (const file of files) {
      pieces.push(...(await cut(file, { encoding: corpus.encoding ?? 'auto', mostBytes, ...options })));
      if (isTurnDue()) await giveTurn();
    }
    for (const some of pack(pieces, mostBytes))
      chunks.push({ ...(part !== undefined && { part }), pieces: some });
  }
  return {
    chunks,
    leftOut: {
      numEntries: parts.reduce((sum, { leftOut }) => sum + leftOut.numEntries, 0),
      first: parts.flatMap(({ leftOut }) => leftOut.first).slice(0, maxNamed),
    },
    numFiles: all.length,
    numBytes: all.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
  };
}

/**
 * About how much a chunk holds of a corpus of so many bytes: a 64th, but at least 4 MiB and at most 32 MiB, or more where that makes
 * more than 4,096 chunks.
 */
export function chunkBytesFor(numBytes: number): number {
  const share = Math.ceil(numBytes / enoughChunks);
  const usual = Math.min(usualChunkBytes, Math.max(leastChunkBytes, share));
  return Math.max(usual, Math.ceil(numBytes / maxChunks));
}

function costOf(piece: CorpusPiece): number {
  return sizeOfPiece(piece) + fileCostBytes;
}

interface CutOptions extends SourceOptions {
  readonly encoding: string;
  readonly mostBytes: number;
}

/** A file as ranges of the same size, or whole. */
async function cut(file: CorpusPiece, options: CutOptions): Promise<CorpusPiece[]> {
  const { sizeBytes } = file;
  const numRanges = Math.ceil(sizeBytes / options.mostBytes);
  if (numRanges <= 1 || !(await canBeCut(file, options))) return [file];
  const bound = (i: number): number => Math.floor((i * sizeBytes) / numRanges);
  return Array.from({ length: numRanges }, (_, i) => ({ ...file, range: [bound(i), bound(i + 1)] }));
}

async function canBeCut(
  file: CorpusPiece,
  { encoding, ...source }: CutOptions,
): Promise<boolean> {
  if (file.compression !== 'none') return false;
  // Where its groups of rows begin is in their list.
  if (file.format === 'parquet') return true;
  if (file.format !== 'txt' && file.format !== 'jsonl') return false;
  const bytes = await openPiece(file, source);
  try {
    return await isStoredInUtf8(bytes, file.sizeBytes, encoding);
  } finally {
    await bytes.close();
  }
}

/** Neighbours, together as long as they are small. */
function pack(pieces: readonly CorpusPiece[], mostBytes: number): CorpusPiece[][] {
  const chunks: CorpusPiece[][] = [];
  let room = 0;
  for (const piece of pieces) {
    const cost = costOf(piece);
    if (chunks.length === 0 || cost > room) {
      chunks.push([]);
      room = mostBytes;
    }
    chunks.at(-1)!.push(piece);
    room -= cost;
  }
  return chunks;
}
