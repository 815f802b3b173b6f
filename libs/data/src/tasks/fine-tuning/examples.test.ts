import { allocateBatch, encoderColumns, fineTuningTask, type FineTuning } from '@berth/contracts';
import { describe, expect, it } from 'vitest';
import { collect, rowsOf } from '../../testing/row-fixture.ts';
import { createSpanTokenizer } from '../../text/span-tokenizer.ts';
import { createTokenizer } from '../../text/tokenizer.ts';
import { createVocabulary, specialTokens } from '../../text/vocabulary.ts';
import { answerWindows } from '../answer/answer-windows.ts';
import { classifyExamples, surveyClasses } from '../classify/classify-examples.ts';
import { regressExamples } from '../regress/regress-examples.ts';
import { tagExamples } from '../tag/tag-examples.ts';
import { balancedPositiveWeights, balancedWeights, sortLabels } from './labels.ts';
import { copyTaskExample, fingerprintExamples, type TaskExample } from './task-example.ts';

const vocabulary = createVocabulary([...specialTokens, 'a', 'cat', 'b', '##s']);
const tokenizer = createTokenizer(vocabulary, { doLowerCase: true });
const common = { tokenizer, maxSeqLength: 16 };
const [cls, sep, a, cat, b, s] = [2, 3, 5, 6, 7, 8];

describe('labels', () => {
  it('are in ascending order, as numbers if all are', () => {
    expect(sortLabels(['10', '9', '-1'])).toEqual(['-1', '9', '10']);
    expect(sortLabels(['10', '9', 'x', 'X'])).toEqual(['10', '9', 'X', 'x']);
    expect(sortLabels(['10', '09'])).toEqual(['09', '10']);
  });

  it('come from the data, or are given in their order', async () => {
    const rows = rowsOf(...[2, 10, 2].map((label) => ({ text: 'a', label })));
    expect(await surveyClasses(rows)).toEqual({ labels: ['2', '10'], counts: [2, 1], numRows: 3 });
    expect(await surveyClasses(rows, {}, ['10', '2'])).toEqual({
      labels: ['10', '2'],
      counts: [1, 2],
      numRows: 3,
    });
  });

  it('weigh as scikit-learn has it', () => {
    expect(balancedWeights([3, 1])).toEqual([4 / 6, 2]);
  });

  it('weigh, where a row may have several, what the others are to those that have them', () => {
    expect(balancedPositiveWeights([1, 4, 5], 5)).toEqual([4, 0.25, 1]);
  });
});

describe('examples', () => {
  it('of classes, with weights and pairs', async () => {
    const rows = rowsOf({ question1: 'a cats', question2: 'b', is_duplicate: '1' });
    const options = { ...common, labels: ['0', '1'], classWeights: [1, 2.5] };
    expect(await collect(classifyExamples(rows, options))).toMatchObject([
      {
        ids: [cls, a, cat, s, sep, b, sep],
        numFirstSegment: 5,
        columns: { labels: 1, labelWeights: 2.5 },
      },
    ]);
  });

  it('of several classes, as lists and as texts', async () => {
    const rows = rowsOf(
      { text: 'a', label: ['y', 'x'] },
      { text: 'b', label: 'z, y, z' },
      { text: 'b', label: '' },
    );
    expect(await surveyClasses(rows, { hasMany: true })).toEqual({
      labels: ['x', 'y', 'z'],
      counts: [1, 2, 1],
      numRows: 3,
    });
    const classWeights = [0.5, 2, 3];
    const options = { ...common, labels: ['x', 'y', 'z'], hasMany: true, classWeights };
    const examples = await collect(classifyExamples(rows, options));
    expect(examples.map(({ columns }) => columns)).toEqual([
      { labels: [1, 1, 0], labelWeights: [0.5, 2, 1] },
      { labels: [0, 1, 1], labelWeights: [1, 2, 3] },
      { labels: [0, 0, 0], labelWeights: [1, 1, 1] },
    ]);
  });

  it('without labels, to be predicted', async () => {
    const options = { ...common, isLabelled: false };
    expect(await collect(regressExamples(rowsOf({ text: 'a' }), options))).toMatchObject([
      { ids: [cls, a, sep], columns: {} },
    ]);
    const tokens = { tokens: ['cats', 'b'] };
    expect(await collect(tagExamples(rowsOf(tokens), { ...options, labels: [] }))).toMatchObject([
      { ids: [cls, cat, s, b, sep], columns: {}, positions: [1, 3] },
    ]);
  });

  it('of answers behind characters of two code units', async () => {
    const answers = { text: ['b'], answer_start: [4] };
    const [window] = await collect(
      answerWindows(rowsOf({ question: 'a', context: '😀 a b', answers }), {
        ...common,
        tokenizeSpans: createSpanTokenizer(vocabulary, { doLowerCase: true }),
        docStride: 4,
        maxQueryLength: 4,
      }),
    );
    expect(window).toMatchObject({
      ids: [cls, a, sep, 1, a, b, sep],
      columns: { startPositions: 5, endPositions: 5 },
      question: { answers: [{ start: 5, end: 6 }] },
    });
  });

  it('fill the columns of a batch, and leave nothing of what was there', () => {
    const task = fineTuningTask({ kind: 'tag', labels: ['O', 'B'] });
    const batch = allocateBatch(task, { batchSize: 2, maxSeqLength: 4, maxPredictions: 1 });
    const place = { path: 'rows', at: 'line 1' };
    const long = {
      place,
      ids: [2, 5, 3, 3],
      numFirstSegment: 3,
      columns: { labels: [1, 1, 1, 1], labelWeights: [1, 2, 1, 1] },
    };
    const short = {
      place,
      ids: [2, 3],
      numFirstSegment: 2,
      columns: { labels: [0, 1], labelWeights: [0, 2] },
    };
    for (const example of [long, short]) copyTaskExample(batch, 1, example);
    expect(batch.columns).toEqual({
      inputIds: Int32Array.from([0, 0, 0, 0, 2, 3, 0, 0]),
      inputMask: Int32Array.from([0, 0, 0, 0, 1, 1, 0, 0]),
      segmentIds: new Int32Array(8),
      labels: Int32Array.from([0, 0, 0, 0, 0, 1, 0, 0]),
      labelWeights: Float32Array.from([0, 0, 0, 0, 0, 2, 0, 0]),
    });
    copyTaskExample(batch, 0, long);
    expect(batch.columns['segmentIds']).toEqual(Int32Array.from([0, 0, 0, 1, 0, 0, 0, 0]));
  });
});

describe('columns of an example', () => {
  const labels = ['x', 'y'];
  const texts = rowsOf({ text: 'a', label: 'x' });
  it.each<readonly [FineTuning, AsyncIterable<TaskExample>]>([
    [{ kind: 'classify', labels }, classifyExamples(texts, { ...common, labels })],
    [
      { kind: 'classify-many', labels },
      classifyExamples(texts, { ...common, labels, hasMany: true }),
    ],
    [{ kind: 'regress' }, regressExamples(rowsOf({ text: 'a', score: 1 }), common)],
    [
      { kind: 'tag', labels },
      tagExamples(rowsOf({ tokens: ['a'], tags: ['x'] }), { ...common, labels }),
    ],
    [
      { kind: 'answer' },
      answerWindows(rowsOf({ question: 'a', context: 'a', answers: [] }), {
        ...common,
        tokenizeSpans: createSpanTokenizer(vocabulary, { doLowerCase: true }),
        docStride: 4,
        maxQueryLength: 4,
      }),
    ],
  ])('are those of the task, %o', async (fineTuning, examples) => {
    const [example] = await collect(examples);
    const own = fineTuningTask(fineTuning).columns.slice(encoderColumns.length);
    expect(Object.keys(example!.columns)).toEqual(own.map(({ name }) => name));
  });
});

describe('the fingerprint', () => {
  const examplesOf = (label: number) =>
    regressExamples(rowsOf({ text: 'a', label: 1 }, { text: 'b', label }), common);

  it('is of examples and settings, the same every time', async () => {
    const first = await fingerprintExamples(examplesOf(2), { maxSeqLength: 16 });
    expect(first).toBe('200710c346f996adf705a5785c91efd17d836cdb05fd0510deb5818bd229ceaa');
    expect(await fingerprintExamples(examplesOf(2), { maxSeqLength: 16 })).toBe(first);
    expect(await fingerprintExamples(examplesOf(3), { maxSeqLength: 16 })).not.toBe(first);
    expect(await fingerprintExamples(examplesOf(2), { maxSeqLength: 17 })).not.toBe(first);
  });
});
