import type { RowProblems } from '../../rows/input-errors.ts';
import type { Row, RowPlace } from '../../rows/row.ts';
import { textOf } from '../fine-tuning/text-pairs.ts';

/** Part of a text, in UTF-16 code units. */
export interface TextSpan {
  readonly start: number;
  readonly end: number;
}

export interface Question {
  readonly place: RowPlace;
  /** Of the file, or where it stands. */
  readonly id: string;
  readonly question: string;
  readonly context: string;
  /** In the context; none where it has no answer, or none is known. */
  readonly answers: readonly TextSpan[];
}

interface Answer {
  readonly text: string;
  /** In code points, as SQuAD counts. */
  readonly start: number;
}

/**
 * A question as SQuAD has them, 1.1 or 2.0, in its own files or as rows of a data set. Where `is_impossible` is missing, a
 * question without answers has none.
 * @returns undefined once `problems` knows what is wrong
 */
export function readQuestion(
  row: Row,
  isLabelled: boolean,
  problems: RowProblems,
): Question | undefined {
  const { place, values } = row;
  const question = textOf(row, 'question', problems);
  const context = textOf(row, 'context', problems);
  if (question === undefined || context === undefined) return undefined;
  const { id = place.at, answers, is_impossible: isImpossible } = values;
  const wrong = (kind: string, problem: string): undefined =>
    problems.add(kind, place, problem) as undefined;
  const common = { place, id: String(id), question, context };
  if (!isLabelled) return { ...common, answers: [] };
  const list = readAnswers(answers);
  if (list === undefined)
    return wrong(
      'answers',
      'its answers are not as SQuAD has them: [{"text": "…", "answer_start": 12}], and [] if there is none',
    );
  if (isImpossible === true && list.length > 0)
    return wrong('impossible', 'is_impossible is true, and it has answers: correct one of them');
  if (isImpossible === false && list.length === 0)
    return wrong(
      'impossible',
      'is_impossible is false, and it has no answers: correct one of them',
    );
  const spans: TextSpan[] = [];
  for (const { text, start: codePoints } of list) {
    const start = codeUnits(context, codePoints);
    if (text === '' || !context.startsWith(text, start))
      return wrong('place of answer', notThere(context, text, codePoints));
    spans.push({ start, end: start + text.length });
  }
  return { ...common, answers: spans };
}

function notThere(context: string, text: string, codePoints: number): string {
  if (text === '') return 'an answer of it is empty: write one, or leave it out';
  const elsewhere = context.indexOf(text);
  const advice =
    elsewhere < 0
      ? 'nor anywhere else: correct it, it must be copied from the context'
      : `but at ${Array.from(context.slice(0, elsewhere)).length}: correct answer_start, which counts characters from 0`;
  return `an answer of it is not at character ${codePoints} of its context, ${advice}`;
}

/** Both ways in which data sets have them: a list of answers, or one object with lists. */
function readAnswers(value: unknown): Answer[] | undefined {
  if (Array.isArray(value)) {
    const list = value.map((item: { text?: unknown; answer_start?: unknown } | null) =>
      toAnswer(item?.text, item?.answer_start),
    );
    return list.every((item) => item !== undefined) ? list : undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { text, answer_start: starts } = value as { text?: unknown; answer_start?: unknown };
  if (!Array.isArray(text) || !Array.isArray(starts) || text.length !== starts.length)
    return undefined;
  const list = text.map((one: unknown, i) => toAnswer(one, starts[i]));
  return list.every((item) => item !== undefined) ? list : undefined;
}

function toAnswer(text: unknown, start: unknown): Answer | undefined {
  const isStart = typeof start === 'number' && Number.isInteger(start) && start >= 0;
  return typeof text === 'string' && isStart ? { text, start } : undefined;
}

/** How many code units the first characters of a text have. */
function codeUnits(text: string, numCharacters: number): number {
  if (!/[\ud800-\udbff]/.test(text)) return numCharacters;
  let units = 0;
  let left = numCharacters;
  for (const character of text) {
    if (left === 0) break;
    left -= 1;
    units += character.length;
  }
  return units + left;
}
