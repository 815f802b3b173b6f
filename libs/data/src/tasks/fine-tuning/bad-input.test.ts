import { describe, expect, it } from 'vitest';
import { collect, rowsOf } from '../../testing/row-fixture.ts';
import { createSpanTokenizer } from '../../text/span-tokenizer.ts';
import { createTokenizer } from '../../text/tokenizer.ts';
import { createVocabulary, specialTokens } from '../../text/vocabulary.ts';
import { answerWindows } from '../answer/answer-windows.ts';
import { classifyExamples, surveyClasses } from '../classify/classify-examples.ts';
import { regressExamples } from '../regress/regress-examples.ts';
import { surveyTags, tagExamples } from '../tag/tag-examples.ts';

const vocabulary = createVocabulary([...specialTokens, 'a', 'cat', 'b']);
const doLowerCase = { doLowerCase: true };
const tokenizer = createTokenizer(vocabulary, doLowerCase);
const common = { tokenizer, maxSeqLength: 16 };

type Values = Record<string, unknown>;

const classify = (labels: string[], ...rows: Values[]): Promise<unknown> =>
  collect(classifyExamples(rowsOf(...rows), { ...common, labels }));
const survey = (given: string[] | undefined, ...rows: Values[]): Promise<unknown> =>
  surveyClasses(rowsOf(...rows), {}, given);
const regress = (...rows: Values[]): Promise<unknown> =>
  collect(regressExamples(rowsOf(...rows), common));
const tag = (...rows: Values[]): Promise<unknown> =>
  collect(tagExamples(rowsOf(...rows), { ...common, labels: ['O', 'B'] }));
const ask = (...rows: Values[]): Promise<unknown> =>
  collect(
    answerWindows(rowsOf(...rows), {
      ...common,
      tokenizeSpans: createSpanTokenizer(vocabulary, doLowerCase),
      docStride: 4,
      maxQueryLength: 4,
    }),
  );
const question = (values: Values): Values => ({ question: 'a', context: 'a cat 😀 b', ...values });

describe('bad input is one clear error, with its place and how to fix it', () => {
  it.each<readonly [what: string, attempt: () => Promise<unknown>, message: string]>([
    [
      'a label unseen in training',
      () =>
        classify(
          ['x', 'y'],
          { text: 'a', label: 'x' },
          { text: 'a', label: 'z' },
          { text: 'b', label: 'z' },
        ),
      'rows: line 2: its label "z" is none of "x", "y": correct it, or train with it (and 1 more like it)',
    ],
    [
      'no label',
      () =>
        survey(
          undefined,
          { text: 'a', label: 'x' },
          { text: 'a', label: '' },
          { text: 1, label: 1 },
        ),
      'rows: line 2: has no label: give it one, or remove the row (and 1 with other problems)',
    ],
    [
      'labels of two kinds',
      () => survey(undefined, { text: 'a', label: 'x' }, { text: 'a', label: 1 }),
      'rows: line 2: its label is a number, and that of line 1 a string: write all labels in one way',
    ],
    [
      'a label that is no class',
      () => survey(undefined, { text: 'a', label: 0.5 }),
      'rows: line 1: its label is the number 0.5: a class is a text or a whole number',
    ],
    [
      'a class without a row',
      () => survey(['x', 'y'], { text: 'a', label: 'x' }),
      'rows: no row has the label "y": a class cannot be learnt from nothing',
    ],
    [
      'one class only',
      () => survey(undefined, { text: 'a', label: 'x' }, { text: 'b', label: 'x' }),
      'rows: all rows have the label "x": a classifier needs at least two classes',
    ],
    [
      'ids twice',
      () => survey(undefined, { id: 7, text: 'a', label: 'x' }, { id: 7, text: 'b', label: 'y' }),
      'rows: line 2: has the id of line 1: give each row one of its own, or remove the copy',
    ],
    [
      'a text column that is missing',
      () => survey(undefined, { body: 'a', label: 'x' }),
      'rows: has no column that looks like a text: name it, by task.columns.text or --text; it has "body", "label"',
    ],
    [
      'a column that is named and missing',
      () => surveyClasses(rowsOf({ text: 'a', label: 'x' }), { columns: { label: 'kind' } }),
      'rows: has no column "kind": it has "text", "label"',
    ],
    [
      'a label column that is missing',
      () => classify(['x', 'y'], { text: 'a' }),
      'rows: has no column that looks like a label: name it, by task.columns.label or --label; it has "text"',
    ],
    [
      'a row without a text',
      () =>
        classify(['x', 'y'], { text: 'a', label: 'x' }, { label: 'x' }, { text: 3, label: 'x' }),
      'rows: line 2: has no "text": write a text (and 1 more like it)',
    ],
    [
      'a target that is no number',
      () =>
        regress({ text: 'a', label: 1.5 }, { text: 'a', label: NaN }, { text: 'a', label: 'much' }),
      'rows: line 2: its target is not a finite number of 32 bits: write a number such as 3.5, or remove the row (and 1 more like it)',
    ],
    [
      'more words than tags',
      () => tag({ tokens: ['a', 'b'], tags: ['O'] }),
      'rows: line 1: has 2 words and 1 tags: give each word one tag',
    ],
    [
      'a word without a tag',
      () => surveyTags(rowsOf({ tokens: ['a', 'b'], tags: ['O', ''] })),
      'rows: line 1: has no label',
    ],
    [
      'a tag unseen in training',
      () => tag({ tokens: ['a'], tags: ['I'] }),
      'rows: line 1: its label "I" is none of "O", "B"',
    ],
    [
      'tags that are no list',
      () => tag({ tokens: 'a b', tags: 'O O' }),
      'rows: line 1: its words and tags are not two lists',
    ],
    [
      'no column of words',
      () => tag({ text: 'a b', tags: ['O'] }),
      'rows: line 1 has no column that looks like words: name it; it has "text", "tags"',
    ],
    [
      'an answer at another place',
      () => ask(question({ answers: [{ text: 'b', answer_start: 6 }] })),
      'rows: line 1: an answer of it is not at character 6 of its context, but at 8: correct answer_start',
    ],
    [
      'an answer that is not in the context',
      () => ask(question({ answers: { text: ['dog'], answer_start: [2] } })),
      'rows: line 1: an answer of it is not at character 2 of its context, nor anywhere else',
    ],
    [
      'answers of another kind',
      () => ask(question({ answers: ['cat'] })),
      'rows: line 1: its answers are not as SQuAD has them',
    ],
    [
      'no answer to a question that has one',
      () => ask(question({ answers: [], is_impossible: false })),
      'rows: line 1: is_impossible is false, and it has no answers: correct one of them',
    ],
    [
      'an answer to a question that has none',
      () => ask(question({ answers: [{ text: 'a', answer_start: 0 }], is_impossible: true })),
      'rows: line 1: is_impossible is true, and it has answers: correct one of them',
    ],
    [
      'a context without words',
      () => ask({ question: 'a', context: ' \u200b ', answers: [] }),
      'rows: line 1: its context has no words: give it one',
    ],
  ])('%s', async (_, attempt, message) => {
    const error: unknown = await attempt().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'DATA_INPUT_INVALID' });
    expect((error as Error).message).toContain(message);
  });

  it('tells of windows that leave no room for a context', async () => {
    const options = { ...common, docStride: 4, maxQueryLength: 13 };
    const tokenizeSpans = createSpanTokenizer(vocabulary, doLowerCase);
    await expect(collect(answerWindows(rowsOf({}), { ...options, tokenizeSpans }))).rejects.toThrow(
      'a maxSeqLength of 16 leaves no room for a context beside 13 tokens of a question',
    );
  });
});
