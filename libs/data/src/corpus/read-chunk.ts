import { isBerthError, type CorpusChunk, type CorpusPiece, type CorpusTally, sizeOfPiece } from '@berth/contracts';
import type { CorpusDocument } from './corpus-document.ts';
import { createCorpusTally, nameBad } from './corpus-tally.ts';
import { readJsonlDocuments } from './formats/jsonl-documents.ts';
import { readMdsDocuments } from './formats/mds-documents.ts';
import { readParquetDocuments } from './formats/parquet-documents.ts';
import { readCsvDocuments, readTsvDocuments } from './formats/table-documents.ts';
import { readTxtDocuments } from './formats/txt-documents.ts';
import { createTurns, InvalidText, type Reading, type ReadingSettings } from './reading.ts';
import { openPiece, type SourceOptions } from './sources/open-piece.ts';
import { changedError } from './sources/piece-bytes.ts';

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
  { corpus, tally = createCorpusTally(), ...source }: ReadChunkOptions,
): AsyncGenerator<CorpusDocument> {
  const { signal } = source;
  signal?.throwIfAborted();
  const { pretokenised, skipBad } = corpus;
  const settings = pretokenised ? { ...corpus, sentenceMode: 'lines' as const } : corpus;
  const bytes = await openPiece(piece, source);
  try {
    if (!(await bytes.isUnchanged())) throw changedError(piece);
    const report: Reading['report'] = (problem, details) => {
      if (!skipBad) throw new InvalidText(piece, problem, details);
      tally.bad.numRecords += 1;
      nameBad(tally.bad, { name: piece.name, problem });
    };
    const reading = { piece, bytes, settings, tally, signal, turn, report };
    const { numBytes, numEmptyDocuments } = tally;
    let isBlank = true;
    try {
      if (skipBad && !isLines(piece)) await readThrough(reading);
      for await (const document of readers[piece.format](reading)) {
        isBlank = false;
        yield pretokenised ? inWords(document) : document;
      }
    } catch (error) {
      // What is wrong with a file that is being written is that it is being written.
      if (isBerthError(error) && !(await bytes.isUnchanged())) throw changedError(piece);
      if (!skipBad || !(error instanceof InvalidText)) throw error;
      isBlank = false;
      tally.bad.numFiles += 1;
      nameBad(tally.bad, { name: piece.name, problem: error.problem });
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
function isLines({ compression, format }: CorpusPiece): boolean {
  return compression === 'none' && (format === 'txt' || format === 'jsonl');
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
