import type { Prediction, PredictionInput } from '@berth/contracts';
import type { FineTuning } from '@berth/contracts/constants';

/** What a person has written: a text, and the second one of a pair or the context of a question. */
export interface Written {
  readonly first: string;
  readonly second: string;
}

/** What is written as the model takes it; undefined while something is missing. */
export function inputOf(kind: FineTuning['kind'], written: Written): PredictionInput | undefined {
  const [first, second] = [written.first.trim(), written.second.trim()];
  if (first === '') return undefined;
  switch (kind) {
    case 'tag':
      return { words: first.split(/\s+/) };
    case 'answer':
      return second === '' ? undefined : { question: first, context: second };
    case 'classify':
    case 'classify-many':
    case 'regress':
      return second === '' ? { text: first } : { text: first, pair: second };
  }
}

/** Labels with their probabilities, the likeliest first. */
export function ranked(probabilities: Readonly<Record<string, number>>): [string, number][] {
  return Object.entries(probabilities).toSorted(([, a], [, b]) => b - a);
}

/** A context around its answer, whose place is counted in code points. */
export function cutAnswer(
  context: string,
  { start, end }: { readonly start: number; readonly end: number },
): { readonly before: string; readonly answer: string; readonly after: string } {
  const points = Array.from(context);
  const part = (from: number, to?: number): string => points.slice(from, to).join('');
  return { before: part(0, start), answer: part(start, end), after: part(end) };
}

/** Words with their tags; what is no part of anything has none. */
export function taggedWords({
  words,
  tags,
  probabilities,
}: Extract<Prediction, { tags: unknown }>): {
  readonly word: string;
  readonly tag: string | undefined;
  readonly probability: number | null;
  readonly isSeen: boolean;
}[] {
  return words.map((word, i) => {
    const tag = tags[i] ?? null;
    return {
      word,
      tag: tag === null || tag === 'O' ? undefined : tag,
      probability: probabilities[i] ?? null,
      isSeen: tag !== null,
    };
  });
}
