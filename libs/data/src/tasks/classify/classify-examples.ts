import { createRowProblems, type RowProblems } from '../../rows/input-errors.ts';
import type { Row, RowSource } from '../../rows/row.ts';
import { chooseColumns, type TextColumns } from '../fine-tuning/columns.ts';
import {
  createLabelCounter,
  readLabel,
  unknownLabel,
  type LabelCensus,
} from '../fine-tuning/labels.ts';
import { soundRows } from '../fine-tuning/sound-rows.ts';
import {
  textExamples,
  type TextExample,
  type TextExampleOptions,
} from '../fine-tuning/text-pairs.ts';

export interface ClassOptions {
  readonly columns?: Partial<TextColumns> | undefined;
  /** Whether an example may have any of the classes: a list, or a text with `labelSeparator` between. */
  readonly hasMany?: boolean | undefined;
  /** @defaultValue a comma */
  readonly labelSeparator?: string | undefined;
}

/** With how many rows there are, which may have several classes or none. */
export interface ClassSurvey extends LabelCensus {
  readonly numRows: number;
}

/**
 * The classes of the training rows, and how many have each.
 * @param given - the only ones allowed, in the order of their numbers
 * @throws BerthError `DATA_INPUT_INVALID` for rows without a label or with one that was not given, and for a class without a row
 */
export async function surveyClasses(
  source: RowSource,
  options: ClassOptions = {},
  given?: readonly string[],
): Promise<ClassSurvey> {
  const { label } = await chooseColumns(source, options.columns ?? {}, true);
  const problems = createRowProblems();
  const counter = createLabelCounter(problems, given);
  let numRows = 0;
  for await (const { values, place } of soundRows(source, problems)) {
    numRows += 1;
    const value = values[label!];
    const all = options.hasMany ? new Set(labelsIn(value, options)) : [value];
    for (const one of all) counter.add(one, place);
  }
  return { ...counter.finish(source.path), numRows };
}

export interface ClassifyOptions extends TextExampleOptions, ClassOptions {
  /** Those that were learnt, in the order of their numbers. */
  readonly labels: readonly string[];
  /** Of each class; with `hasMany` for the rows that have it. @defaultValue 1 */
  readonly classWeights?: readonly number[] | undefined;
}

/**
 * Examples of `classify`, or with `hasMany` of `classify-many`.
 * @throws BerthError `DATA_INPUT_INVALID`, once all rows were seen, for rows that are none
 */
export function classifyExamples(
  source: RowSource,
  options: ClassifyOptions,
): AsyncGenerator<TextExample> {
  const { labels, classWeights, hasMany = false } = options;
  const numberOf = new Map(labels.map((label, number) => [label, number]));
  const classOf = (value: unknown, row: Row, problems: RowProblems): number | undefined => {
    const reading = readLabel(value);
    const number = reading.ok ? numberOf.get(reading.text) : undefined;
    if (!reading.ok) problems.add('label', row.place, reading.problem);
    else if (number === undefined)
      problems.add('unknown label', row.place, unknownLabel(reading.text, labels));
    return number;
  };
  return textExamples(source, options, (value, row, problems) => {
    if (!hasMany) {
      const number = classOf(value, row, problems);
      return number === undefined
        ? undefined
        : { labels: number, labelWeights: classWeights?.[number] ?? 1 };
    }
    const numbers = labelsIn(value, options).map((one) => classOf(one, row, problems));
    if (numbers.includes(undefined)) return undefined;
    const weightOf = (number: number): number => classWeights?.[number] ?? 1;
    return {
      labels: labels.map((_, number) => (numbers.includes(number) ? 1 : 0)),
      labelWeights: labels.map((_, number) => (numbers.includes(number) ? weightOf(number) : 1)),
    };
  });
}

/** Several labels: a list, or a text with separators; nothing is none of them. */
function labelsIn(value: unknown, { labelSeparator = ',' }: ClassOptions): readonly unknown[] {
  if (Array.isArray(value)) return value;
  if (value === '' || value === null || value === undefined) return [];
  if (typeof value !== 'string') return [value];
  return value.split(labelSeparator).map((label) => label.trim());
}
