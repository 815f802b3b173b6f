import { inputInvalid } from './input-errors.ts';
import { readConllRows, type ConllColumns } from './conll-rows.ts';
import { readCsvRows, readTsvRows } from './delimited-rows.ts';
import { readJsonlRows } from './jsonl-rows.ts';
import { readParquetRows } from './parquet-rows.ts';
import type { Row, RowSource } from './row.ts';
import { readSquadRows } from './squad-rows.ts';

/** Formats of labelled examples. */
export const rowFormats = ['jsonl', 'csv', 'tsv', 'conll', 'squad', 'parquet'] as const;
export type RowFormat = (typeof rowFormats)[number];

export interface OpenRowsOptions {
  /** @defaultValue what the file's name says */
  readonly format?: RowFormat | undefined;
  readonly conllColumns?: ConllColumns | undefined;
}

const formatOfSuffix: Readonly<Record<string, RowFormat>> = {
  jsonl: 'jsonl',
  ndjson: 'jsonl',
  csv: 'csv',
  tsv: 'tsv',
  conll: 'conll',
  bio: 'conll',
  iob: 'conll',
  json: 'squad',
  parquet: 'parquet',
};

/**
 * A file of labelled examples. All but .parquet may be gzip, with .gz behind the name.
 * @throws BerthError `DATA_INPUT_INVALID` when its name tells no format; reading throws what its reader throws, and that error for
 * a file without a row
 */
export function openRows(path: string, options: OpenRowsOptions = {}): RowSource {
  const suffix = /\.([a-z]+)(?:\.gz)?$/.exec(path.toLowerCase())?.[1] ?? '';
  const format = options.format ?? formatOfSuffix[suffix];
  if (format === undefined)
    throw inputInvalid(
      path,
      `the name tells no format: name it .${Object.keys(formatOfSuffix).join(', .')}, with .gz behind it if it is gzip`,
    );
  const read = (): AsyncIterable<Row> => {
    switch (format) {
      case 'jsonl':
        return readJsonlRows(path);
      case 'csv':
        return readCsvRows(path);
      case 'tsv':
        return readTsvRows(path);
      case 'conll':
        return readConllRows(path, options.conllColumns);
      case 'squad':
        return readSquadRows(path);
      case 'parquet':
        return readParquetRows(path);
    }
  };
  return { path, rows: () => withRows(path, read()) };
}

async function* withRows(path: string, rows: AsyncIterable<Row>): AsyncGenerator<Row> {
  let numRows = 0;
  for await (const row of rows) {
    numRows += 1;
    yield row;
  }
  if (numRows === 0) throw inputInvalid(path, 'has no rows: is it the right file?');
}
