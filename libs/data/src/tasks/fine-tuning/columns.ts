import { inputInvalid } from '../../rows/input-errors.ts';
import type { Row, RowSource } from '../../rows/row.ts';

/** The names of the columns that hold what a task reads. */
export interface TextColumns {
  readonly text: string;
  /** Undefined for single texts. */
  readonly pair: string | undefined;
  /** Undefined for rows to predict. */
  readonly label: string | undefined;
}

/** What people call them, GLUE's first. */
const knownTexts: readonly (readonly [text: string, pair?: string])[] = [
  ['sentence1', 'sentence2'],
  ['#1 String', '#2 String'],
  ['question1', 'question2'],
  ['premise', 'hypothesis'],
  ['question', 'sentence'],
  ['text', 'pair'],
  ['text', 'text_pair'],
  ['sentence'],
  ['text'],
];

const knownLabels = [
  'gold_label',
  'label',
  'labels',
  'Quality',
  'is_duplicate',
  'score',
  'similarity_score',
  'target',
];

/**
 * Which columns of a file hold its texts and labels: those that are given, and otherwise those with a name that people use.
 * @param needsLabel - whether rows without a label are of no use
 * @throws BerthError `DATA_INPUT_INVALID` for a column that the file does not have, or none that looks like it
 */
export async function chooseColumns(
  source: RowSource,
  given: Partial<TextColumns>,
  needsLabel: boolean,
): Promise<TextColumns> {
  return chooseAmong(source.path, await columnNames(source), given, needsLabel);
}

/** The same among the names of a file's columns. @throws as `chooseColumns` */
export function chooseAmong(
  path: string,
  names: readonly string[],
  given: Partial<TextColumns>,
  needsLabel: boolean,
): TextColumns {
  const known = knownTexts.find((pair) => pair.every((name) => names.includes(name!)));
  const text = given.text ?? known?.[0];
  const pair = given.text === undefined ? (given.pair ?? known?.[1]) : given.pair;
  const label = given.label ?? knownLabels.find((name) => names.includes(name));
  const has = `it has ${names.map((name) => JSON.stringify(name)).join(', ')}`;
  if (text === undefined)
    throw inputInvalid(
      path,
      `has no column that looks like a text: name it, by task.columns.text or --text; ${has}`,
    );
  if (label === undefined && needsLabel)
    throw inputInvalid(
      path,
      `has no column that looks like a label: name it, by task.columns.label or --label; ${has}`,
    );
  for (const name of [text, pair, ...(needsLabel ? [label] : [])])
    if (name !== undefined && !names.includes(name))
      throw inputInvalid(path, `has no column ${JSON.stringify(name)}: ${has}`);
  return { text, pair, label: needsLabel ? label : undefined };
}

/** Those of the first row that is whole. */
async function columnNames({ rows }: RowSource): Promise<string[]> {
  let first: Row | undefined;
  for await (const row of rows()) {
    first ??= row;
    if (row.problem === undefined) return Object.keys(row.values);
  }
  return Object.keys(first?.values ?? {});
}
