import { isBerthError } from '@berth/contracts';
import { readCsvRows, readTsvRows, type DelimitedOptions } from '../../rows/delimited-rows.ts';
import type { Row } from '../../rows/row.ts';
import type { CorpusDocument } from '../corpus-document.ts';
import { openText } from '../open-text.ts';
import { InvalidText, type Reading } from '../reading.ts';
import { adviceFor, sampleBytes } from '../text-encoding.ts';
import { documentsOfRecord } from './records.ts';

type ReadRows = (path: string, options: DelimitedOptions) => AsyncGenerator<Row>;

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
    const rows = readRows(piece.place, {
      bytes: blocks,
      adviceFor: (bytes) => adviceFor(bytes.subarray(0, sampleBytes)),
      onHeader: (names) => requireText(reading, names),
    });
    for await (const { place, values, problem } of rows) {
      const { at } = place;
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
  const [only = ''] = columns;
  const separator = columns.length === 1 ? /[;|\t]/.exec(only)?.[0] : undefined;
  if (piece.format === 'csv' && separator !== undefined)
    throw new InvalidText(
      piece,
      separator === '\t'
        ? 'has tabs between its columns: name it .tsv'
        : `has "${separator}" between its columns, as its first line looks: put commas there`,
    );
  throw new InvalidText(
    piece,
    `has no column "${textField}": say in corpus.textField which one holds the text, or leave the file out by a pattern in corpus.path`,
  );
}
