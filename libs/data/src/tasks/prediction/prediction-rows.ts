import type { FineTuning, PredictionInput } from '@berth/contracts';
import { createRowProblems, type RowProblems } from '../../rows/input-errors.ts';
import type { Row, RowPlace, RowSource } from '../../rows/row.ts';
import { chooseAmong } from '../fine-tuning/columns.ts';
import { textOf } from '../fine-tuning/text-pairs.ts';
import { sentenceOf } from '../tag/tag-examples.ts';

/** A row of a file that a fine-tuned model is asked about. */
export interface PredictionRow {
  readonly place: RowPlace;
  /** As the file has it. */
  readonly id: string | number | undefined;
  readonly input: PredictionInput;
}

export interface PredictionRowsOptions {
  readonly kind: FineTuning['kind'];
  /** Those with names that people use where left out. */
  readonly columns: {
    readonly text?: string | undefined;
    readonly pair?: string | undefined;
    readonly words?: string | undefined;
  };
}

/**
 * What rows ask a model of a kind; labels that they may have are not looked at.
 * @param path - of their file, for people
 * @throws BerthError `DATA_INPUT_INVALID` at the first row that is none, or for columns that are not there
 */
export function predictionRows(
  path: string,
  rows: AsyncIterable<Row>,
  options: PredictionRowsOptions,
): AsyncGenerator<PredictionRow> {
  return readRows(path, rows, options, {
    add: (...problem) => {
      const problems = createRowProblems();
      problems.add(...problem);
      problems.throwIfAny();
    },
    throwIfAny: () => undefined,
  });
}

/**
 * Goes through all rows of a file.
 * @returns how many there are
 * @throws BerthError `DATA_INPUT_INVALID` as `predictionRows`, with the number of all such rows
 */
export async function countPredictionRows(
  { path, rows }: RowSource,
  options: PredictionRowsOptions,
): Promise<number> {
  let numRows = 0;
  for await (const _row of readRows(path, rows(), options, createRowProblems())) numRows += 1;
  return numRows;
}

async function* readRows(
  path: string,
  rows: AsyncIterable<Row>,
  { kind, columns }: PredictionRowsOptions,
  problems: RowProblems,
): AsyncGenerator<PredictionRow> {
  let read: ReadInput | undefined;
  for await (const row of rows) {
    const { place, problem, values } = row;
    if (problem !== undefined) {
      problems.add('row', place, problem);
      continue;
    }
    read ??= readerOf(kind, path, Object.keys(values), columns);
    const input = read(row, problems);
    const { id } = values;
    if (input !== undefined)
      yield { place, id: typeof id === 'string' || typeof id === 'number' ? id : undefined, input };
  }
  problems.throwIfAny();
}

/** @returns undefined once `problems` knows what is wrong */
type ReadInput = (row: Row, problems: RowProblems) => PredictionInput | undefined;

/** @param names - of the columns of the file's first row */
function readerOf(
  kind: FineTuning['kind'],
  path: string,
  names: readonly string[],
  { text, pair, words }: PredictionRowsOptions['columns'],
): ReadInput {
  switch (kind) {
    case 'tag':
      return (row, problems) => {
        const sentence = sentenceOf(
          row,
          { ...(words !== undefined && { words }) },
          false,
          problems,
        );
        return sentence && { words: [...sentence.words] };
      };
    case 'answer':
      return (row, problems) => {
        const question = textOf(row, 'question', problems);
        const context = textOf(row, 'context', problems);
        return question === undefined || context === undefined ? undefined : { question, context };
      };
    default: {
      const given = { ...(text !== undefined && { text }), ...(pair !== undefined && { pair }) };
      const chosen = chooseAmong(path, names, given, false);
      return (row, problems) => textsOf(row, chosen, problems);
    }
  }
}

function textsOf(
  row: Row,
  columns: { readonly text: string; readonly pair: string | undefined },
  problems: RowProblems,
): PredictionInput | undefined {
  const text = textOf(row, columns.text, problems);
  if (columns.pair === undefined) return text === undefined ? undefined : { text };
  const pair = textOf(row, columns.pair, problems);
  return text === undefined || pair === undefined ? undefined : { text, pair };
}
