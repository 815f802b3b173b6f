import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  runConfigSchema,
  type InferenceRequest,
  type ModelConfig,
  type ModelPlace,
} from '@berth/contracts';
import { createVocabulary } from '@berth/data';
import { startTensorFlow } from '@berth/graph';
import { writeHuggingFaceFolder, type ModelSource } from '@berth/hugging-face';
import { initialWeights, parameterLayout, taskModels } from '@berth/model';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Answerer } from './answer.ts';

const words = 'the state of union is strong and free we are one nation people . ,'.split(' ');
const tokens = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', ...words, '##s'];
const model: ModelConfig = {
  vocabSize: tokens.length,
  hiddenSize: 16,
  numLayers: 5,
  numHeads: 2,
  intermediateSize: 32,
  maxPositions: 24,
  typeVocabSize: 2,
  hiddenAct: 'gelu_new',
  hiddenDropoutRatio: 0.1,
  attentionDropoutRatio: 0.1,
  initializerRange: 0.3,
  layerNormEps: 1e-12,
};
const layout = parameterLayout(model, taskModels.pretraining);
const folder = mkdtempSync(join(tmpdir(), 'berth-inference-'));
const corpus = join(folder, 'corpus.txt');
const sentences = ['the state of the union is strong .', 'we are one nation , free people .'];

/** Writes a model with weights of a seed. @param isMissing - parameters that the folder lacks */
async function write(
  name: string,
  seed: number,
  isMissing: (parameter: string) => boolean = () => false,
): Promise<ModelPlace> {
  const weights = initialWeights(layout, model, seed);
  const source: ModelSource = {
    where: name,
    model,
    vocabulary: createVocabulary(tokens),
    doLowerCase: true,
    layout,
    missing: new Set(layout.map((parameter) => parameter.name).filter(isMissing)),
    read: async ({ offset, size }) => weights.slice(offset, offset + size),
  };
  const path = join(folder, name);
  await writeHuggingFaceFolder(source, path);
  return { kind: 'folder', path };
}

const answerer = new Answerer(undefined);
let place: ModelPlace;
let other: ModelPlace;
let encoder: ModelPlace;
let withoutPairs: ModelPlace;

beforeAll(async () => {
  startTensorFlow({ numThreads: 1 });
  const documents = Array.from({ length: 12 }, (_, i) =>
    [...sentences, ...sentences].slice(i % 3).join('\n'),
  );
  writeFileSync(corpus, documents.join('\n\n'));
  place = await write('full', 1);
  other = await write('other', 2);
  encoder = await write('encoder', 1, (name) => !/^bert\/(embeddings|encoder)/.test(name));
  withoutPairs = await write('pairs', 1, (name) => /pooler|seq_relationship/.test(name));
});
afterAll(() => rmSync(folder, { recursive: true }));

const on = (): { corpus: ReturnType<typeof runConfigSchema.shape.corpus.parse> } => ({
  corpus: runConfigSchema.shape.corpus.parse({ path: corpus }),
});
const ask = (request: InferenceRequest): ReturnType<Answerer['answer']> => answerer.answer(request);

describe('a filled mask', () => {
  it('is a probability over the whole vocabulary, for each mask of each text', async () => {
    const texts = ['the state of the [MASK]', '[MASK] are one [MASK].'];
    const filled = await ask({ kind: 'fillMask', model: place, texts, numCandidates: 100 });
    if (!('texts' in filled)) throw new Error('another answer');
    expect(filled.texts.map(({ masks }) => masks.length)).toEqual([1, 2]);
    expect(filled.texts[0]?.tokens).toEqual('[CLS] the state of the [MASK] [SEP]'.split(' '));
    for (const { masks } of filled.texts)
      for (const { candidates } of masks) {
        const chances = candidates.map(({ probability }) => probability);
        expect(new Set(candidates.map(({ token }) => token)).size).toBe(tokens.length);
        expect(chances.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 6);
        expect(chances).toEqual([...chances].sort((a, b) => b - a));
      }
  });

  it.each([
    ['a text without a mask', 'the state', 'MODEL_INPUT_INVALID', /no \[MASK\]/],
    [
      'a text that is too long',
      `${'one '.repeat(23)}[MASK]`,
      'MODEL_INPUT_INVALID',
      /26 tokens.*24/,
    ],
  ])('is refused for %s', async (_, text, code, message) => {
    const request = { kind: 'fillMask' as const, model: place, texts: [text], numCandidates: 1 };
    await expect(ask(request)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
  });

  it('is refused by an encoder without that head', async () => {
    const request = {
      kind: 'fillMask' as const,
      model: encoder,
      texts: ['[MASK]'],
      numCandidates: 1,
    };
    await expect(ask(request)).rejects.toMatchObject({ code: 'MODEL_UNSUITABLE' });
  });
});

describe('an embedding', () => {
  const vectorsOf = async (
    texts: string[],
    pooling: 'mean' | 'pooled' | 'last-4',
    isNormalized = false,
  ): Promise<number[][]> => {
    const answer = await ask({ kind: 'embed', model: place, texts, pooling, isNormalized });
    if (!('vectors' in answer)) throw new Error('another answer');
    return answer.vectors;
  };

  it.each(['mean', 'pooled', 'last-4'] as const)(
    'by %s does not depend on the texts beside it',
    async (pooling) => {
      const texts = ['the state', sentences.join(' '), '', 'we are one nation'];
      const together = await vectorsOf(texts, pooling);
      for (const [index, text] of texts.entries()) {
        const [alone] = await vectorsOf([text], pooling);
        for (const [at, value] of together[index]!.entries())
          expect(value).toBeCloseTo(alone![at]!, 5);
      }
    },
  );

  it('tells poolings apart, and has the length 1 where asked', async () => {
    const [mean] = await vectorsOf(['the state'], 'mean');
    const [pooled] = await vectorsOf(['the state'], 'pooled');
    const [last] = await vectorsOf(['the state'], 'last-4');
    expect(mean).not.toEqual(pooled);
    expect(mean).not.toEqual(last);
    const [unit] = await vectorsOf(['the state'], 'mean', true);
    expect(Math.hypot(...unit!)).toBeCloseTo(1, 6);
  });

  it('cuts what is too long, and says so', async () => {
    const texts = ['one '.repeat(50), 'one'];
    const answer = await ask({
      kind: 'embed',
      model: place,
      texts,
      pooling: 'mean',
      isNormalized: false,
    });
    expect(answer).toMatchObject({ numCut: 1, numTokens: [24, 3] });
  });
});

describe('an evaluation', () => {
  it('is the same every time, whatever the model has beside', async () => {
    const request = {
      kind: 'evaluate' as const,
      ...on(),
      numExamples: 9,
      hasPseudoPerplexity: true,
    };
    const answer = await ask({ ...request, model: place });
    expect(await ask({ ...request, model: place })).toEqual(answer);
    if (!('pseudoPerplexity' in answer)) throw new Error('another answer');
    expect(answer).toMatchObject({ numExamples: 9, numDocuments: 12 });
    const { masked_lm_loss: loss } = answer.metrics;
    expect(answer.maskedPerplexity).toBeCloseTo(Math.exp(loss!.value), 9);
    expect(loss!.standardError).toBeGreaterThan(0);
    expect(answer.pseudoPerplexity!.numTokens).toBeGreaterThan(answer.numTokens / 2);
    const partial = await ask({ ...request, model: withoutPairs });
    if (!('pseudoPerplexity' in partial)) throw new Error('another answer');
    expect(Object.keys(partial.metrics)).toEqual(['masked_lm_loss', 'masked_lm_accuracy']);
    expect(partial.metrics['masked_lm_loss']).toEqual(loss);
  });

  it('takes a word from the left, so that its pieces do not give each other away', async () => {
    const perplexitiesOf = async (text: string) => {
      const path = join(folder, 'words.txt');
      writeFileSync(path, Array.from({ length: 3 }, () => `${text}\n${text}`).join('\n\n'));
      const answer = await ask({
        kind: 'evaluate',
        model: place,
        corpus: runConfigSchema.shape.corpus.parse({ path }),
        numExamples: 3,
        hasPseudoPerplexity: true,
      });
      if (!('pseudoPerplexity' in answer)) throw new Error('another answer');
      return answer.pseudoPerplexity!;
    };
    const whole = await perplexitiesOf('we are one nation');
    expect(whole.numWords).toBe(whole.numTokens);
    expect(whole.perWord).toBe(whole.perToken);
    const cut = await perplexitiesOf('the states are free nations');
    expect(cut.numTokens / cut.numWords).toBeCloseTo(7 / 5, 9);
    expect(cut.perWord ** cut.numWords).not.toBeCloseTo(cut.perToken ** cut.numTokens);
  });

  it('has examples of another length where asked, with as many masks a token', async () => {
    const evaluateAt = (maxSeqLength: number) =>
      ask({
        kind: 'evaluate',
        model: place,
        ...on(),
        maxSeqLength,
        numExamples: 9,
        hasPseudoPerplexity: false,
      });
    expect(await evaluateAt(12)).toMatchObject({ maxSeqLength: 12 });
    await expect(evaluateAt(25)).rejects.toMatchObject({
      code: 'MODEL_INPUT_INVALID',
      message: expect.stringMatching(/25 tokens.*at most 24/),
    });
  });

  it('tells what is wrong with a corpus by the option that names it', async () => {
    const nowhere = runConfigSchema.shape.corpus.parse({ path: join(folder, 'nowhere.txt') });
    await expect(
      ask({
        kind: 'evaluate',
        model: place,
        corpus: nowhere,
        numExamples: 9,
        hasPseudoPerplexity: false,
      }),
    ).rejects.toMatchObject({
      code: 'DATA_CORPUS_NOT_FOUND',
      message: expect.stringMatching(/correct --on$/),
    });
  });

  it('needs a corpus where the model is of no run', async () => {
    const request = { kind: 'evaluate' as const, numExamples: 9, hasPseudoPerplexity: false };
    await expect(ask({ ...request, model: place })).rejects.toMatchObject({
      code: 'MODEL_INPUT_INVALID',
      message: expect.stringMatching(/--on/),
    });
  });
});

describe('a comparison', () => {
  const request = { kind: 'compare' as const, numExamples: 20 };

  it('is of the same examples: a model does not differ from itself', async () => {
    const same = await ask({ ...request, ...on(), model: place, other: place });
    if (!('other' in same)) throw new Error('another answer');
    for (const { difference } of Object.values(same.metrics))
      expect(difference).toEqual({ value: 0, standardError: 0 });
    const answer = await ask({ ...request, ...on(), model: place, other });
    if (!('other' in answer)) throw new Error('another answer');
    const { value, other: ofOther, difference } = answer.metrics['masked_lm_loss']!;
    expect(value).toBe(same.metrics['masked_lm_loss']!.value);
    expect(difference.value).toBeCloseTo(ofOther - value, 12);
    expect(difference.standardError).toBeGreaterThan(0);
  });

  it('is refused where there is nothing in common', async () => {
    await expect(ask({ ...request, ...on(), model: place, other: encoder })).rejects.toMatchObject({
      code: 'MODEL_UNSUITABLE',
    });
  });
});
