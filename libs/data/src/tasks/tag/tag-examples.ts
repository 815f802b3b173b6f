import { createRowProblems, inputInvalid, type RowProblems } from '../../rows/input-errors.ts';
import type { Row, RowSource } from '../../rows/row.ts';
import type { Tokenizer } from '../../text/tokenizer.ts';
import {
  createLabelCounter,
  readLabel,
  unknownLabel,
  type LabelCensus,
} from '../fine-tuning/labels.ts';
import { soundRows } from '../fine-tuning/sound-rows.ts';
import { layOut, type TaskExample, type TokensOfExample } from '../fine-tuning/task-example.ts';

/** The names of the columns with the words of a sentence, and with their tags. */
export interface TagColumns {
  readonly words: string;
  readonly tags: string;
}

const knownWords = ['tokens', 'words'];
const knownTags = ['tags', 'ner_tags', 'labels', 'pos_tags', 'chunk_tags'];

export interface TagOptions {
  readonly tokenizer: Tokenizer;
  readonly maxSeqLength: number;
  /** @defaultValue those with names that people use */
  readonly columns?: Partial<TagColumns> | undefined;
  /** Those that were learnt, in the order of their numbers. */
  readonly labels: readonly string[];
  /** Of each class. @defaultValue 1 */
  readonly classWeights?: readonly number[] | undefined;
  /** Whether words have tags. @defaultValue true */
  readonly isLabelled?: boolean | undefined;
}

export interface TagExample extends TaskExample {
  readonly words: readonly string[];
  /** The number of each word's tag; none where words have no tags. */
  readonly tags: readonly number[];
  /** Where the first piece of each word is; -1 for words that are cut off, or have no piece as they are nothing but controls. */
  readonly positions: readonly number[];
}

/**
 * The tags of the training sentences, and how many words have each.
 * @param given - the only ones allowed, in the order of their numbers
 * @throws BerthError `DATA_INPUT_INVALID` as {@link tagExamples}, and for a class without a word
 */
export async function surveyTags(
  source: RowSource,
  columns: Partial<TagColumns> = {},
  given?: readonly string[],
): Promise<LabelCensus> {
  const problems = createRowProblems();
  const counter = createLabelCounter(problems, given);
  for await (const row of soundRows(source, problems))
    for (const tag of sentenceOf(row, columns, true, problems)?.tags ?? [])
      counter.add(tag, row.place);
  return counter.finish(source.path);
}

/**
 * Examples of `tag`: the first piece of each word has its tag, the others weight 0.
 * @throws BerthError `DATA_INPUT_INVALID`, once all rows were seen, for sentences that are none, such as one with more words than tags
 */
export async function* tagExamples(
  source: RowSource,
  options: TagOptions,
): AsyncGenerator<TagExample> {
  const {
    tokenizer,
    maxSeqLength,
    columns = {},
    labels,
    classWeights,
    isLabelled = true,
  } = options;
  const problems = createRowProblems();
  const numberOf = new Map(labels.map((label, number) => [label, number]));
  const classOf = (tag: unknown, row: Row): number => {
    const reading = readLabel(tag);
    const number = reading.ok ? numberOf.get(reading.text) : undefined;
    if (!reading.ok) problems.add('label', row.place, reading.problem);
    else if (number === undefined)
      problems.add('unknown label', row.place, unknownLabel(reading.text, labels));
    return number ?? 0;
  };
  for await (const row of soundRows(source, problems)) {
    const sentence = sentenceOf(row, columns, isLabelled, problems);
    if (sentence === undefined) continue;
    const { words } = sentence;
    const { isCut: _, positions, ...laidOut } = tokensOfWords({ tokenizer, maxSeqLength }, words);
    const [numbers, weights] = [laidOut.ids.map(() => 0), laidOut.ids.map(() => 0)];
    const tags = sentence.tags.map((tag) => classOf(tag, row));
    for (const [i, number] of tags.entries()) {
      const position = positions[i]!;
      if (position < 0) continue;
      numbers[position] = number;
      weights[position] = classWeights?.[number] ?? 1;
    }
    yield {
      place: row.place,
      ...laidOut,
      columns: isLabelled ? { labels: numbers, labelWeights: weights } : {},
      words,
      tags,
      positions,
    };
  }
}

/** The tokens of a sentence, cut to what an example holds. */
export function tokensOfWords(
  { tokenizer, maxSeqLength }: Pick<TagOptions, 'tokenizer' | 'maxSeqLength'>,
  words: readonly string[],
): TokensOfExample & Pick<TagExample, 'positions'> {
  const room = maxSeqLength - 2;
  const pieces: number[] = [];
  const positions = words.map((word) => {
    const position = pieces.length + 1;
    const ids = tokenizer.tokenize(word);
    pieces.push(...ids);
    return ids.length === 0 || position > room ? -1 : position;
  });
  const laidOut = layOut(tokenizer.vocabulary, pieces.slice(0, room));
  return { ...laidOut, positions, isCut: pieces.length > room };
}

interface Sentence {
  readonly words: readonly string[];
  /** None where rows have no labels. */
  readonly tags: readonly unknown[];
}

/** @returns undefined once `problems` knows what is wrong. @throws BerthError `DATA_INPUT_INVALID` when the row lacks a column */
export function sentenceOf(
  { values, place }: Row,
  columns: Partial<TagColumns>,
  isLabelled: boolean,
  problems: RowProblems,
): Sentence | undefined {
  const names = Object.keys(values);
  const choose = (given: string | undefined, known: readonly string[], what: string): string => {
    const name = given ?? known.find((one) => names.includes(one));
    if (name !== undefined && names.includes(name)) return name;
    throw inputInvalid(
      place.path,
      `${place.at} has no column ${name === undefined ? `that looks like ${what}: name it` : JSON.stringify(name)}; it has ${names.map((one) => JSON.stringify(one)).join(', ')}`,
    );
  };
  const words = values[choose(columns.words, knownWords, 'words')];
  const tags = isLabelled ? values[choose(columns.tags, knownTags, 'tags')] : [];
  if (!isTextList(words) || !Array.isArray(tags)) {
    problems.add(
      'lists',
      place,
      isLabelled
        ? 'its words and tags are not two lists: write ["a", "word"], ["O", "O"]'
        : 'its words are not a list of texts: write ["a", "word"]',
    );
    return undefined;
  }
  if (isLabelled && words.length !== tags.length) {
    problems.add(
      'lengths',
      place,
      `has ${words.length} words and ${tags.length} tags: give each word one tag`,
    );
    return undefined;
  }
  return { words, tags };
}

function isTextList(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}
