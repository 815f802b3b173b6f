import { isBerthError } from '@berth/contracts';
import { readCsvRows, readTsvRows } from '../../rows/delimited-rows.ts';
import type { Row } from '../../rows/row.ts';
import type { CorpusDocument } from '../corpus-document.ts';
import { openText } from '../open-text.ts';
import { InvalidText, type Reading } from '../reading.ts';
import { documentsOfRecord } from './records.ts';

type ReadRows = (path: string, bytes: AsyncIterable<Uint8Array>) => AsyncGenerator<Row>;

/** The documents of a .csv file, one a row, as its header names the columns. */
export function readCsvDocuments(reading: Reading): AsyncGenerator<CorpusDocument> {
  return documentsOfRows(readCsvRows, reading);
}

/** The documents of a .tsv file, where quotes mean nothing. */
export function readTsvDocuments(reading: Reading): AsyncGenerator<CorpusDocument> {
  return documentsOfRows(readTsvRows, reading);
}

async function* documentsOfRows(
  readRows: ReadRows,
  reading: Reading,
): AsyncGenerator<CorpusDocument> {
  const { piece, report, turn } = reading;
  const { blocks } = await openText(reading);
  try {
    for await (const { place, values, problem } of readRows(piece.place, blocks)) {
      const { at } = place;
      requireText(reading, Object.keys(values));
      if (problem === undefined) {
        const name = `${piece.name}:${at.replace(/^line /, '')}`;
        yield* documentsOfRecord({ at, name, values }, reading);
      } else report(`${at} ${problem}`);
      await turn();
    }
  } catch (error) {
    if (!isBerthError(error) || error.code !== 'DATA_INPUT_INVALID') throw error;
    throw new InvalidText(piece, error.message.slice(`${piece.place}: `.length));
  }
}

/** @throws BerthError DATA_CORPUS_INVALID for a file without a column of text */
export function requireText(
  { piece, settings }: Pick<Reading, 'piece' | 'settings'>,
  columns: readonly string[],
): void {
  const { textField, pretokenised } = settings;
  const [top = ''] = textField.split('.');
  const possible = [textField, top, 'sentences', ...(pretokenised ? ['tokens'] : [])];
  if (columns.some((column) => possible.includes(column))) return;
  throw new InvalidText(
    piece,
    `has no column "${textField}": say in corpus.textField which one holds the text, or leave the file out by a pattern in corpus.path`,
  );
}
