import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type {
  EvaluateRowsResult,
  FineTuning,
  ModelConfig,
  ModelPlace,
  Prediction,
  PredictionInput,
  PredictResult,
} from '@berth/contracts';
import { createVocabulary } from '@berth/data';
import { startTensorFlow } from '@berth/graph';
import { writeHuggingFaceFolder, type ModelSource } from '@berth/hugging-face';
import {
  createForwardEngine,
  fineTuningModel,
  initialWeights,
  parameterLayout,
  taskModels,
} from '@berth/model';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Answerer } from './answer.ts';
import { openModel } from './models/open-model.ts';
import { encoderBatch } from './questions/encoder-batch.ts';

const words = 'the state of union is strong and free we are one nation people . ,'.split(' ');
const tokens = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', ...words, '##s'];
const model: ModelConfig = {
  vocabSize: tokens.length,
  hiddenSize: 16,
  numLayers: 2,
  numHeads: 2,
  intermediateSize: 32,
  maxPositions: 96,
  typeVocabSize: 2,
  hiddenAct: 'gelu_new',
  hiddenDropoutRatio: 0.1,
  attentionDropoutRatio: 0.1,
  initializerRange: 0.5,
  layerNormEps: 1e-12,
};
const labels = ['no', 'yes', '7'];
const fineTunings: readonly FineTuning[] = [
  { kind: 'classify', labels },
  { kind: 'classify-many', labels },
  { kind: 'regress' },
  { kind: 'tag', labels: ['O', 'B-PER', 'I-PER'] },
  { kind: 'answer' },
];
const folder = mkdtempSync(join(tmpdir(), 'berth-predict-'));
const answerer = new Answerer(undefined);
const nowhere = (): never => {
  throw new Error('a folder needs no bucket');
};

function sourceOf(fineTuning: FineTuning | undefined): ModelSource {
  const task = fineTuning ? fineTuningModel(fineTuning) : taskModels.pretraining;
  const layout = parameterLayout(model, task);
  const weights = initialWeights(layout, model, 3);
  return {
    where: 'a test',
    model,
    vocabulary: createVocabulary(tokens),
    doLowerCase: true,
    ...(fineTuning && { fineTuning }),
    layout,
    missing: new Set(),
    read: async ({ offset, size }) => weights.slice(offset, offset + size),
  };
}

const placeOf = (kind: string): ModelPlace => ({ kind: 'folder', path: join(folder, kind) });

async function predict(
  kind: string,
  inputs: PredictionInput[],
  maxSeqLength?: number,
): Promise<PredictResult> {
  const request = { kind: 'predict', model: placeOf(kind), inputs, maxSeqLength } as const;
  const result = await answerer.answer(request);
  if (!('predictions' in result)) throw new Error('another answer');
  return result;
}

beforeAll(async () => {
  startTensorFlow({ numThreads: 1 });
  for (const fineTuning of fineTunings)
    await writeHuggingFaceFolder(sourceOf(fineTuning), join(folder, fineTuning.kind));
  await writeHuggingFaceFolder(sourceOf(undefined), join(folder, 'pretraining'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const context = 'we are one nation , free and strong . '.repeat(12);
const inputsOf: Readonly<Record<FineTuning['kind'], PredictionInput[]>> = {
  classify: [{ text: 'the state' }, { text: '' }, { text: 'we are', pair: 'one nation' }],
  'classify-many': [{ text: 'free and strong' }, { text: context }],
  regress: [{ text: 'free' }, { text: 'strong', pair: 'people' }],
  tag: [{ words: ['free', 'nations', '\u0007', '.'] }, { words: [] }, { words: ['we'] }],
  answer: [
    { question: 'we are', context },
    { question: 'free', context: 'one nation' },
    { question: 'of', context: ' ' },
  ],
};

describe.each(fineTunings)('a model that is fine-tuned to $kind', (fineTuning) => {
  const { kind } = fineTuning;

  it('gives the same outputs after export and reading, bit for bit', async () => {
    const source = sourceOf(fineTuning);
    const before = await createForwardEngine({
      task: fineTuningModel(fineTuning),
      model,
      read: (parameter) => source.read(parameter),
    });
    const after = await openModel(nowhere, placeOf(kind));
    const batch = encoderBatch(before.task, [
      [2, 5, 6, 3],
      [2, 7, 8, 9, 10, 3],
    ]);
    expect(after.engine.predict(batch)).toEqual(before.predict(batch));
    before.dispose();
    after.dispose();
  });

  it('says of each input what it says of it alone', async () => {
    const inputs = inputsOf[kind];
    const { predictions } = await predict(kind, inputs);
    expect(predictions).toHaveLength(inputs.length);
    for (const [index, input] of inputs.entries()) {
      const { predictions: alone } = await predict(kind, [input]);
      expect(predictions[index]).toEqual(closeTo(alone[0]));
    }
  });

  it('is refused what reads other inputs, and what only pre-training learns', async () => {
    const other = kind === 'tag' ? { text: 'a' } : { words: ['a'] };
    await expect(predict(kind, [other])).rejects.toMatchObject({ code: 'MODEL_INPUT_INVALID' });
    await expect(predict(kind, inputsOf[kind], 97)).rejects.toMatchObject({
      code: 'MODEL_INPUT_INVALID',
      message: expect.stringContaining('takes at most 96'),
    });
    const fill = { kind: 'fillMask' as const, texts: ['[MASK]'], numCandidates: 1 };
    await expect(answerer.answer({ ...fill, model: placeOf(kind) })).rejects.toMatchObject({
      code: 'MODEL_UNSUITABLE',
      message: expect.stringContaining('berth predict'),
    });
    expect(await answerer.answer({ kind: 'describe', model: placeOf(kind) })).toMatchObject({
      fineTuning,
    });
  });
});

const near = (value: number): unknown => expect.closeTo(value, 5);

/** Batches of other lengths round otherwise. */
function closeTo(value: unknown): unknown {
  if (typeof value === 'number') return near(value);
  if (Array.isArray(value)) return value.map(closeTo);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, closeTo(one)]));
}

describe('a prediction', () => {
  const only = async (kind: FineTuning['kind'], index = 0): Promise<Prediction> => {
    const { predictions } = await predict(kind, [inputsOf[kind][index]!]);
    return predictions[0]!;
  };

  it('of one class is the likeliest, of probabilities that add up to 1', async () => {
    const found = await only('classify');
    if (!('label' in found)) throw new Error('another prediction');
    const chances = Object.entries(found.probabilities).sort(([, a], [, b]) => b - a);
    expect(chances[0]![0]).toBe(found.label);
    expect(chances.map(([label]) => label).sort()).toEqual([...labels].sort());
    expect(chances.reduce((sum, [, chance]) => sum + chance, 0)).toBeCloseTo(1, 7);
  });

  it('of several classes has those that are likelier than not', async () => {
    const found = await only('classify-many');
    if (!('labels' in found)) throw new Error('another prediction');
    expect(found.labels).toEqual(labels.filter((label) => found.probabilities[label]! > 0.5));
  });

  it('of words has a tag for each that the model saw', async () => {
    const found = await only('tag');
    if (!('tags' in found)) throw new Error('another prediction');
    expect(found.words).toEqual(['free', 'nations', '\u0007', '.']);
    expect(found.tags.map((tag) => tag === null)).toEqual([false, false, true, false]);
    expect(found.probabilities.map((one) => one === null)).toEqual([false, false, true, false]);
    const entityTags = found.tags.filter((tag) => tag !== null && tag !== 'O');
    expect(found.entities!.length > 0).toBe(entityTags.length > 0);
  });

  it('of a question is a piece of the context, in characters', async () => {
    const text = `\u{1f44d} ${context}`;
    const { predictions } = await predict('answer', [{ question: 'we', context: text }]);
    const [found] = predictions;
    if (found === undefined || !('answer' in found)) throw new Error('another prediction');
    expect(Array.from(text).slice(found.start, found.end).join('')).toBe(found.answer);
    expect(found.answer === '').toBe(found.noAnswerProbability === found.probability);
    expect(await only('answer', 2)).toMatchObject({ answer: '', noAnswerProbability: 1 });
  });

  it('counts inputs that were cut', async () => {
    const { numCut } = await predict('classify', [{ text: 'we are one' }, { text: 'we' }], 4);
    expect(numCut).toBe(1);
  });

  it('is not to be had of a head that berth does not have, whose encoder still embeds', async () => {
    const path = join(folder, 'many-values');
    await writeHuggingFaceFolder(sourceOf({ kind: 'classify', labels }), path);
    const file = join(path, 'config.json');
    const config = JSON.parse(readFileSync(file, 'utf8')) as object;
    writeFileSync(file, JSON.stringify({ ...config, problem_type: 'regression' }));
    await expect(predict('many-values', [{ text: 'a' }])).rejects.toMatchObject({
      code: 'MODEL_UNSUITABLE',
      message: expect.stringContaining('berth has regression of one value'),
    });
    const request = { kind: 'embed', pooling: 'mean', isNormalized: false } as const;
    const embedded = await answerer.answer({
      ...request,
      model: placeOf('many-values'),
      texts: ['the state'],
    });
    expect(embedded).toMatchObject({ numTokens: [4] });
  });

  it('is not to be had of a model that is not fine-tuned', async () => {
    await expect(predict('pretraining', [{ text: 'a' }])).rejects.toMatchObject({
      code: 'MODEL_UNSUITABLE',
      message: expect.stringContaining('not fine-tuned'),
    });
    expect(
      await answerer.answer({ kind: 'describe', model: placeOf('pretraining') }),
    ).toMatchObject({ fineTuning: null });
  });
});

describe('an evaluation on rows', () => {
  const evaluate = async (
    kind: FineTuning['kind'],
    rows: unknown[],
  ): Promise<EvaluateRowsResult> => {
    const path = join(folder, `${kind}.jsonl`);
    writeFileSync(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
    const result = await answerer.answer({ kind: 'evaluateRows', model: placeOf(kind), path });
    if (!('report' in result)) throw new Error('another answer');
    return result;
  };

  it('measures what is predicted, and tells what a majority reaches', async () => {
    const texts = ['the state', 'we are one nation', 'free', 'people , strong .', 'union of'];
    const { predictions } = await predict(
      'classify',
      texts.map((text) => ({ text })),
    );
    const rows = texts.map((text, index) => {
      const found = predictions[index]!;
      if (!('label' in found)) throw new Error('another prediction');
      return { text, label: index === 0 ? labels.find((one) => one !== found.label) : found.label };
    });
    const { report } = await evaluate('classify', rows);
    expect(report).toMatchObject({ numExamples: 5, metrics: { classify_accuracy: 0.8 } });
    expect(report.baselines.map(({ name }) => name)).toEqual(['majority']);
    await expect(evaluate('classify', [{ text: 'a', label: 'odd' }])).rejects.toMatchObject({
      code: 'DATA_INPUT_INVALID',
      message: expect.stringMatching(/line 1: its label "odd" is none of "no", "yes", "7"/),
    });
  });

  it('takes the tags and answers that a model predicts as right', async () => {
    const sentences = [['we', 'are', 'free'], ['nation'], ['the', 'people', 'of']];
    const tagged = await predict(
      'tag',
      sentences.map((one) => ({ words: one })),
    );
    const rows = tagged.predictions.map((one) => ('tags' in one ? one : {}));
    const { report } = await evaluate(
      'tag',
      rows.map((one, index) => ({ tokens: sentences[index], ...one })),
    );
    expect(report.metrics).toMatchObject({ tag_accuracy: 1 });

    const asked = [
      { question: 'we are', context },
      { question: 'people', context: 'the state of union is free .' },
    ];
    const answered = await predict('answer', asked);
    const questions = answered.predictions.map((one, index) => {
      if (!('answer' in one)) throw new Error('another prediction');
      const answers = one.answer === '' ? [] : [{ text: one.answer, answer_start: one.start }];
      return { id: index, ...asked[index], answers };
    });
    const { report: answers } = await evaluate('answer', questions);
    expect(answers.numExamples).toBe(2);
    expect(Object.values(answers.metrics).every((value) => value === 1)).toBe(true);
  });

  it('needs a file where the model is of no run', async () => {
    const request = { kind: 'evaluateRows' as const, model: placeOf('classify') };
    await expect(answerer.answer(request)).rejects.toMatchObject({
      code: 'MODEL_INPUT_INVALID',
      message: expect.stringContaining('--on'),
    });
    await expect(
      answerer.answer({ ...request, model: placeOf('pretraining') }),
    ).rejects.toMatchObject({ code: 'MODEL_UNSUITABLE' });
  });
});
