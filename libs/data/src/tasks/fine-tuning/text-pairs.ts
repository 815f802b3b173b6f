import { createRowProblems, type RowProblems } from '../../rows/input-errors.ts';
import type { Row, RowSource } from '../../rows/row.ts';
import type { Tokenizer } from '../../text/tokenizer.ts';
import { chooseColumns, type TextColumns } from './columns.ts';
import { soundRows } from './sound-rows.ts';
import {
  layOut,
  truncatedLengths,
  type TaskExample,
  type TokensOfExample,
} from './task-example.ts';

export interface TextExampleOptions {
  readonly tokenizer: Tokenizer;
  readonly maxSeqLength: number;
  /** @defaultValue those with names that people use */
  readonly columns?: Partial<TextColumns> | undefined;
  /** Whether rows have labels. @defaultValue true */
  readonly isLabelled?: boolean | undefined;
}

/** An example of one text, or of two. */
export interface TextExample extends TaskExample {
  readonly texts: readonly string[];
}

/**
 * The columns of a row's label, or undefined once `problems` knows why it has none.
 * @param value - of the label's column
 */
export type ReadLabelColumns = (
  value: unknown,
  row: Row,
  problems: RowProblems,
) => TaskExample['columns'] | undefined;

/** Examples of one text, or of two, and a label: what classification and regression have in common. */
export async function* textExamples(
  source: RowSource,
  { tokenizer, maxSeqLength, columns = {}, isLabelled = true }: TextExampleOptions,
  labelColumns: ReadLabelColumns,
): AsyncGenerator<TextExample> {
  const { text, pair, label } = await chooseColumns(source, columns, isLabelled);
  const problems = createRowProblems();
  for await (const row of soundRows(source, problems)) {
    const a = textOf(row, text, problems);
    const b = pair === undefined ? undefined : textOf(row, pair, problems);
    const known = label === undefined ? {} : labelColumns(row.values[label], row, problems);
    if (a === undefined || known === undefined || (pair !== undefined && b === undefined)) continue;
    const { isCut: _, ...tokens } = tokensOfTexts({ tokenizer, maxSeqLength }, a, b);
    const texts = b === undefined ? [a] : [a, b];
    yield { place: row.place, ...tokens, columns: known, texts };
  }
}

/** The tokens of a text or a pair, cut to what an example holds. */
export function tokensOfTexts(
  { tokenizer, maxSeqLength }: Pick<TextExampleOptions, 'tokenizer' | 'maxSeqLength'>,
  text: string,
  pair?: string,
): TokensOfExample {
  const first = tokenizer.tokenize(text);
  const second = pair === undefined ? undefined : tokenizer.tokenize(pair);
  const room = maxSeqLength - (second === undefined ? 2 : 3);
  const [numFirst, numSecond] = truncatedLengths(first.length, second?.length ?? 0, room);
  return {
    ...layOut(tokenizer.vocabulary, first.slice(0, numFirst), second?.slice(0, numSecond)),
    isCut: numFirst < first.length || numSecond < (second?.length ?? 0),
  };
}

/** The text of a column; undefined once `problems` knows that there is none. */
export function textOf(row: Row, column: string, problems: RowProblems): string | undefined {
  const value = row.values[column];
  if (typeof value === 'string') return value;
  const what =
    value === undefined || value === null ? 'has no' : 'has something other than a text as';
  problems.add(`column ${column}`, row.place, `${what} ${JSON.stringify(column)}: write a text`);
  return undefined;
}
