import { pipeline, Readable } from 'node:stream';
import { isBerthError } from '@berth/contracts';
import { inputInvalid, toInputError } from './input-errors.ts';
import { readBlocks, readNumberedLines, type ReadTextOptions } from './read-text.ts';
import type { Row } from './row.ts';

/** A quote that nobody closes would take in all that follows. */
const maxRecordCharacters = 1 << 26;

interface Cells {
  /** Where they begin. */
  readonly line: number;
  readonly cells: readonly string[];
}

export interface DelimitedOptions extends ReadTextOptions {
  /** Told the names of the columns before the first row; may throw. */
  readonly onHeader?: (names: readonly string[]) => void;
}

/** The rows of a .csv file with a header: as RFC 4180, so that a cell in quotes may hold commas, quotes and line ends. */
export async function* readCsvRows(
  path: string,
  options: DelimitedOptions = {},
): AsyncGenerator<Row> {
  yield* toRows(path, csvCells(path, options), options);
}

/**
 * The rows of a .tsv file as those of GLUE: a line a row, a tab between cells, and quotes mean nothing. CoLA, which has no header,
 * gets one.
 */
export async function* readTsvRows(
  path: string,
  options: DelimitedOptions = {},
): AsyncGenerator<Row> {
  yield* toRows(path, tsvCells(path, options), options);
}

async function* csvCells(path: string, options: DelimitedOptions): AsyncGenerator<Cells> {
  const { CsvError, parse } = await import('csv-parse');
  const parser = parse({
    relaxColumnCount: true,
    skipEmptyLines: true,
    info: true,
    maxRecordSize: maxRecordCharacters,
  });
  // The callback takes the place of an error event; the error itself reaches the reader below.
  const records = pipeline(Readable.from(readBlocks(path, options)), parser, () => {});
  try {
    for await (const item of records) {
      const { info, record } = item as { info: { lines: number }; record: string[] };
      const numBreaks = record.reduce((sum, cell) => sum + cell.split('\n').length - 1, 0);
      yield { line: info.lines - numBreaks, cells: record };
    }
  } catch (error) {
    if (isBerthError(error)) throw error;
    if (!(error instanceof CsvError)) throw toInputError(path, error);
    throw inputInvalid(
      path,
      `line ${String(error['lines'])} is not CSV (${csvProblem(error.code)}), in row ${Number(error['records']) + 1}, the header counted: write a quote inside quotes twice, put commas between cells, or, if quotes mean nothing here, use tabs and name the file .tsv`,
    );
  }
}

function csvProblem(code: string): string {
  if (code === 'CSV_INVALID_CLOSING_QUOTE') return 'a quote ends a cell, and no comma follows';
  if (code === 'CSV_QUOTE_NOT_CLOSED') return 'the file ends inside quotes';
  if (code === 'CSV_MAX_RECORD_SIZE')
    return `its row has more than ${maxRecordCharacters} characters`;
  return 'a quote stands inside a cell without quotes';
}

async function* tsvCells(path: string, options: DelimitedOptions): AsyncGenerator<Cells> {
  for await (const [line, text] of readNumberedLines(path, options))
    if (text !== '') yield { line, cells: text.split('\t') };
}

async function* toRows(
  path: string,
  records: AsyncIterable<Cells>,
  { onHeader }: DelimitedOptions,
): AsyncGenerator<Row> {
  let header: readonly string[] | undefined;
  for await (const { line, cells } of records) {
    const place = { path, at: `line ${line}` };
    if (header === undefined) {
      const isCola = looksLikeCola(cells);
      header = isCola ? colaHeader : cells.map((cell) => cell.trim());
      requireHeader(path, header);
      onHeader?.(header);
      if (!isCola) continue;
    }
    const values = Object.fromEntries(cells.map((cell, i) => [header![i] ?? `#${i + 1}`, cell]));
    if (cells.length === header.length) yield { place, values };
    else
      yield {
        place,
        values,
        problem: `has ${cells.length} cells, and the header ${header.length}: write a cell for each column, be it empty`,
      };
  }
}

const colaHeader = ['source', 'label', 'note', 'sentence'];

/** Its files begin with a row such as `gj04`, `1`, ``, `Our friends won't buy this analysis.` */
function looksLikeCola([, label, note, ...others]: readonly string[]): boolean {
  return others.length === 1 && /^[01]$/.test(label ?? '') && /^\*?$/.test(note ?? 'none');
}

function requireHeader(path: string, header: readonly string[]): void {
  const names = new Set<string>();
  for (const name of header) {
    if (names.has(name))
      throw inputInvalid(path, `the header has two columns ${JSON.stringify(name)}: rename one`);
    names.add(name);
  }
}
