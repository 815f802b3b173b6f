import {
  modelSectionSchema,
  parseRunConfig,
  resolveModelConfig,
  type FineTuning,
} from '@berth/contracts';
import {
  copyTaskExample,
  createSpanTokenizer,
  createTokenizer,
  createVocabulary,
  answerWindows,
  classifyExamples,
  heldOutRowOf,
  labelledExamples,
  regressExamples,
  tagExamples,
  type AnswerWindow,
  type RowSource,
  type TagExample,
  type TextExample,
} from '@berth/data';
import { startTensorFlow } from '@berth/graph';
import { createEagerEngine, createGraphEngine, fineTuningModel } from '@berth/model';
import { expect, it, onTestFinished } from 'vitest';
import { engineInThisThread } from '../../engine-port.ts';
import { evaluate } from '../../evaluate.ts';
import { heldOutOf } from '../../testing/held-out-of.ts';
import { createReportMeter, type ReportMeter } from './report-meter.ts';

const words = ['the', 'cat', 'sat', 'on', 'a', 'mat', 'and', 'dog', 'ran', 'far'];
const vocabulary = createVocabulary(['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', ...words]);
const tokenizer = createTokenizer(vocabulary, { doLowerCase: true });
const sizes = { maxSeqLength: 12, maxPredictions: 1 };
const { optimizer, train, seed } = parseRunConfig(
  { name: 'evaluate', corpus: { path: 'none' }, train: { numSteps: 10, globalBatch: 16 } },
  'test',
);
const model = resolveModelConfig(
  modelSectionSchema.parse({
    size: 'tiny',
    numLayers: 1,
    hiddenSize: 32,
    maxPositions: 16,
    initializerRange: 0.5,
  }),
  vocabulary.tokens.length,
);

const numRows = 11;
const labels = ['a', 'b', 'c'];
const textOf = (row: number): string =>
  Array.from({ length: 2 + (row % 5) }, (_, i) => words[(row * 3 + i * 7) % words.length]!).join(
    ' ',
  );

function source(valuesOf: (row: number) => Record<string, unknown>): RowSource {
  return {
    path: 'made up',
    rows: async function* () {
      for (let row = 0; row < numRows; row++)
        yield { place: { path: 'made up', at: `line ${row + 1}` }, values: valuesOf(row) };
    },
  };
}

function examplesOf(
  fineTuning: FineTuning,
): AsyncGenerator<TextExample | TagExample | AnswerWindow> {
  const options = { tokenizer, ...sizes, labels };
  switch (fineTuning.kind) {
    case 'classify':
      return classifyExamples(
        source((row) => ({ text: textOf(row), label: labels[row % 3] })),
        options,
      );
    case 'classify-many':
      return classifyExamples(
        source((row) => ({ text: textOf(row), label: labels.slice(row % 4) })),
        { ...options, hasMany: true },
      );
    case 'regress':
      return regressExamples(
        source((row) => ({ text: textOf(row), label: row / 2 })),
        options,
      );
    case 'tag':
      return tagExamples(
        source((row) => {
          const tokens = textOf(row).split(' ');
          return { tokens, tags: tokens.map((_, i) => labels[(row + i) % 3]) };
        }),
        options,
      );
    case 'answer':
      return answerWindows(
        source((row) => {
          const context = `${textOf(row)} ${textOf(row + 1)} ${textOf(row + 2)}`;
          const [text] = textOf(row).split(' ');
          const answers = row % 3 === 0 ? [] : [{ text, answer_start: 0 }];
          return { question: textOf(row + 3), context, answers };
        }),
        {
          ...options,
          maxQueryLength: 3,
          docStride: 3,
          tokenizeSpans: createSpanTokenizer(vocabulary, { doLowerCase: true }),
        },
      );
  }
}

const fineTunings: Record<FineTuning['kind'], FineTuning> = {
  classify: { kind: 'classify', labels },
  'classify-many': { kind: 'classify-many', labels },
  regress: { kind: 'regress' },
  tag: { kind: 'tag', labels },
  answer: { kind: 'answer' },
};

it.each([
  ['classify', 'eager'],
  ['classify', 'graph'],
  ['classify-many', 'eager'],
  ['regress', 'eager'],
  ['tag', 'eager'],
  ['answer', 'eager'],
] as const)('an evaluation of %s by the %s engine has a report', async (kind, engineKind) => {
  const fineTuning = fineTunings[kind];
  const tensorFlow = startTensorFlow({ numThreads: 1 });
  const task = fineTuningModel(fineTuning);
  const options = { task, model, optimizer, train, seed, precision: 'fp32' } as const;
  const engine =
    engineKind === 'eager'
      ? createEagerEngine(options)
      : createGraphEngine({ ...options, tensorFlow, shape: { batchSize: 2, ...sizes } });
  onTestFinished(() => engine.dispose());
  engine.initialize(seed);
  const examples: (TextExample | TagExample | AnswerWindow)[] = [];
  for await (const example of examplesOf(fineTuning)) examples.push(example);
  const heldOut = heldOutOf({
    numExamples: examples.length,
    copyInto: (batch, row, example) => copyTaskExample(batch, row, examples[example]!),
  });
  const evaluated = (
    reportMeter: ReportMeter | undefined,
    { numEvalExamples = 1000, batchSize = 5 } = {},
  ) =>
    evaluate(engineInThisThread(engine), heldOut, {
      ...sizes,
      numEvalExamples,
      batchSize,
      baselines: labelledExamples(fineTuning).baselines(undefined),
      reportMeter,
    });
  const newMeter = (): ReportMeter => createReportMeter(fineTuning, examples.map(heldOutRowOf));

  const meter = newMeter();
  const { metrics, report } = await evaluated(meter);
  expect(report!.numExamples).toBe(numRows);
  // Loss and accuracy are the engine's.
  const alone = await evaluated(undefined);
  expect(alone.report).toBeUndefined();
  expect(metrics).toMatchObject(alone.metrics);
  expect(report!.metrics).toMatchObject(alone.metrics);
  const byMeter = meter.report().metrics;
  const both = engine.task.metrics.filter(({ name }) => name in byMeter);
  expect(both.map(({ name }) => byMeter[name])).toEqual(
    both.map(({ name }) => expect.closeTo(metrics[name] as number, 5) as unknown),
  );
  // The line has all that has a name.
  const named = [...engine.task.reportMetrics, ...engine.task.baselines];
  expect(named.filter(({ name }) => typeof metrics[name] !== 'number')).toEqual([]);

  const other = await evaluated(newMeter(), { batchSize: 3 });
  expect(other.report!.worst.map(({ example }) => example)).toEqual(
    report!.worst.map(({ example }) => example),
  );
  const some = await evaluated(newMeter(), { numEvalExamples: 4 });
  expect(some.report!.numExamples).toBeLessThanOrEqual(4);
});
