import { isBerthError, type CorpusChunk, type CorpusPiece, type CorpusTally, sizeOfPiece } from '@berth/contracts';
import type { CorpusDocument } from './corpus-document.ts';
import { createCorpusTally } from './corpus-tally.ts';
import { readJsonlDocuments } from './formats/jsonl-documents.ts';
import { readTxtDocuments } from './formats/txt-documents.ts';
import { createTurns, invalidText, type Reading, type ReadingSettings } from './reading.ts';
import type { CorpusObjects } from './sources/corpus-objects.ts';
import { openFile } from './sources/open-file.ts';
import { changedError } from './sources/piece-bytes.ts';

export interface ReadChunkOptions {
  readonly corpus: ReadingSettings;
  /** Where the corpus may be in buckets. */
  readonly s3?: CorpusObjects | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Counts on as documents are read. */
  readonly tally?: CorpusTally | undefined;
}

const readers: Readonly<
  Record<CorpusPiece['format'], (reading: Reading) => AsyncGenerator<CorpusDocument>>
> = {
  txt: readTxtDocuments,
  jsonl: readJsonlDocuments,
};

/**
 * The documents of a chunk, in order. Other chunks are read no further than its last document goes on.
 * @throws BerthError DATA_CORPUS_INVALID for what is no text, and when a piece is of another version at its open or close;
 * DATA_CORPUS_NOT_FOUND when one is gone; the signal's reason when aborted
 */
export async function* readChunk(
  { part, pieces }: CorpusChunk,
  options: ReadChunkOptions,
): AsyncGenerator<CorpusDocument> {
  const turn = createTurns();
  for (const piece of pieces)
    for await (const document of readPiece(piece, turn, options))
      yield part === undefined ? document : { ...document, part };
}

async function* readPiece(
  piece: CorpusPiece,
  turn: Reading['turn'],
  { corpus: settings, signal, tally = createCorpusTally() }: ReadChunkOptions,
): AsyncGenerator<CorpusDocument> {
  signal?.throwIfAborted();
  const bytes = await openFile(piece);
  try {
    if (!(await bytes.isUnchanged())) throw changedError(piece);
    const report: Reading['report'] = (_at, problem, details) => {
      throw invalidText(piece, problem, details);
    };
    const { numBytes, numEmptyDocuments } = tally;
    const reading = { piece, bytes, settings, tally, signal, turn, report };
    let isBlank = true;
    try {
      for await (const document of readers[piece.format](reading)) {
        isBlank = false;
        yield document;
      }
    } catch (error) {
      // What is wrong with a file that is being written is that it is being written.
      if (isBerthError(error) && !(await bytes.isUnchanged())) throw changedError(piece);
      throw error;
    }
    if (!(await bytes.isUnchanged())) throw changedError(piece);
    tally.numBytes = numBytes + sizeOfPiece(piece);
    // A file without text counts as one document without text, unless it has some of its own.
    if (isBlank && piece.range === undefined && tally.numEmptyDocuments === numEmptyDocuments)
      tally.numEmptyDocuments += 1;
  } finally {
    await bytes.close();
  }
}
