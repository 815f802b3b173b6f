import { isBerthError, type CorpusChunk, type CorpusPiece, type CorpusTally, sizeOfPiece } from '@berth/contracts';
import type { CorpusDocument } from './corpus-document.ts';
import { decompress } from './compression/decompress.ts';
import { createCorpusTally, nameBad } from './corpus-tally.ts';
import { readJsonlDocuments } from './formats/jsonl-documents.ts';
import { readMdsDocuments } from './formats/mds-documents.ts';
import { readParquetDocuments } from './formats/parquet-documents.ts';
import { readCsvDocuments, readTsvDocuments } from './formats/table-documents.ts';
import { readTxtDocuments } from './formats/txt-documents.ts';
import { storedBytes } from './open-text.ts';
import { createTurns, InvalidText, type Reading, type ReadingSettings } from './reading.ts';
import { openPiece, type SourceOptions } from './sources/open-piece.ts';
import { changedError, otherError } from './sources/piece-bytes.ts';
import { isStoredInUtf8 } from './text-encoding.ts';

export interface ReadChunkOptions extends SourceOptions {
  readonly corpus: ReadingSettings;
  /** Counts on as documents are read. */
  readonly tally?: CorpusTally | undefined;
}

const readers: Readonly<
  Record<CorpusPiece['format'], (reading: Reading) => AsyncGenerator<CorpusDocument>>
> = {
  txt: readTxtDocuments,
  jsonl: readJsonlDocuments,
  csv: readCsvDocuments,
  tsv: readTsvDocuments,
  parquet: readParquetDocuments,
  mds: readMdsDocuments,
};

/**
 * The documents of a chunk, in order. Other chunks are read no further than its last document goes on.
 * @throws BerthError DATA_CORPUS_INVALID for what is no text, and when a piece changes while it is read; DATA_CORPUS_CHANGED when it is not of the version listed;
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
  { corpus, tally = createCorpusTally(), ...source }: ReadChunkOptions,
): AsyncGenerator<CorpusDocument> {
  const { signal } = source;
  signal?.throwIfAborted();
  const { pretokenised, skipBad } = corpus;
  const settings = pretokenised ? { ...corpus, sentenceMode: 'lines' as const } : corpus;
  const bytes = await openPiece(piece, source);
  try {
    if (!(await bytes.isUnchanged())) throw otherError(piece);
    const report: Reading['report'] = (problem, details) => {
      if (!skipBad) throw new InvalidText(piece, problem, details);
      tally.bad.numRecords += 1;
      nameBad(tally.bad, { name: piece.name, problem });
    };
    const reading = { piece, bytes, settings, tally, signal, turn, report };
    const { numBytes, numEmptyDocuments } = tally;
    let isBlank = true;
    try {
      if (skipBad && !(await isLines(reading))) await readThrough(reading);
      for await (const document of readers[piece.format](reading)) {
        isBlank = false;
        yield pretokenised ? inWords(document) : document;
      }
    } catch (error) {
      // What is wrong with a file that is being written is that it is being written.
      if (isBerthError(error) && !(await bytes.isUnchanged())) throw changedError(piece);
      if (!(error instanceof InvalidText)) throw error;
      const reason = (await damageOf(reading)) ?? error;
      if (!skipBad) throw reason;
      isBlank = false;
      tally.bad.numFiles += 1;
      nameBad(tally.bad, { name: piece.name, problem: reason.problem });
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

/** Whether what is wrong with a piece is wrong with some line of it. */
async function isLines({ piece, bytes, settings }: Reading): Promise<boolean> {
  const { compression, format, range, sizeBytes } = piece;
  if (compression !== 'none' || (format !== 'txt' && format !== 'jsonl')) return false;
  return range !== undefined || (await isStoredInUtf8(bytes, sizeBytes, settings.encoding));
}

/** What is wrong with how the text is compressed: if it is damaged, so is the text, and what is wrong with that is no news. */
async function damageOf({ piece, ...reading }: Reading): Promise<InvalidText | undefined> {
  if (piece.compression === 'none') return undefined;
  const silent = { ...reading, piece, tally: createCorpusTally() };
  try {
    for await (const _block of decompress(storedBytes(silent), piece)) await reading.turn();
    return undefined;
  } catch (error) {
    if (error instanceof InvalidText) return error;
    throw error;
  }
}

/** Reads a piece for nothing: one that is damaged somewhere is passed over whole, as how much of it comes before is no certain thing. */
async function readThrough(reading: Reading): Promise<void> {
  const silent = { ...reading, tally: createCorpusTally(), report: () => undefined };
  for await (const _document of readers[reading.piece.format](silent));
}

/** A document with one space between words. */
function inWords({ sentences, ...document }: CorpusDocument): CorpusDocument {
  return { ...document, sentences: sentences.map((sentence) => sentence.split(/\s+/).join(' ')) };
}
