import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { encodeSafetensors, floatTensor } from '@berth/checkpoint';
import { modelSectionSchema, parseRunConfig, resolveModelConfig } from '@berth/contracts';
import { createTokenizer, createVocabulary, parseVocabulary } from '@berth/data';
import { startTensorFlow } from '@berth/graph';
import { writeHuggingFaceFolder } from '@berth/hugging-face';
import { createEagerEngine, initialWeights, parameterLayout, taskModels } from '@berth/model';

const root = new URL('../../../', import.meta.url);
const read = (path) => readFileSync(new URL(path, root));
const hardLines = JSON.parse(read('libs/hugging-face/test/golden/hard-lines.json').toString());
const numSequences = 32;
const seqLength = 32;

/**
 * Exports models of random weights, each with what berth makes of 32 sequences and of 10,000 lines of the shipped corpus.
 * @param {string} folder
 * @returns {Promise<string[]>} their folders
 */
export async function writeModels(folder) {
  startTensorFlow({ numThreads: 2 });
  const variants = [
    { name: 'tanh-uncased', hiddenAct: 'gelu_new', doLowerCase: true },
    { name: 'erf-cased', hiddenAct: 'gelu', doLowerCase: false },
  ];
  const paths = [];
  for (const { name, hiddenAct, doLowerCase } of variants) {
    const path = join(folder, name);
    const vocabulary = vocabularyWithCharacters();
    const section = modelSectionSchema.parse({ size: 'tiny', hiddenAct, initializerRange: 0.1 });
    const model = resolveModelConfig(section, vocabulary.tokens.length);
    const layout = parameterLayout(model, taskModels.pretraining);
    const weights = withBiases(initialWeights(layout, model, 7), layout);
    const source = {
      where: name,
      model,
      vocabulary,
      doLowerCase,
      layout,
      missing: new Set(),
      read: async ({ offset, size }) => weights.slice(offset, offset + size),
    };
    await writeHuggingFaceFolder(source, path, { layout: 'sentence-transformers' });
    writeFileSync(join(path, 'expected.safetensors'), expectedOutputs(model, weights));
    writeFileSync(
      join(path, 'expected-tokens.json'),
      JSON.stringify(expectedTokens(createTokenizer(vocabulary, { doLowerCase }))),
    );
    paths.push(path);
  }
  return paths;
}

/** With a piece for each character of the hard lines: [UNK] would hide differences. */
function vocabularyWithCharacters() {
  const golden = parseVocabulary(read('libs/data/test/golden/vocab-8192.txt'), 'golden');
  const text = Object.values(hardLines).flat().join('');
  const forms = [text, text.toLowerCase()].flatMap((form) => [form, form.normalize('NFD')]);
  const pieces = [...new Set(forms.join(''))]
    .filter((character) => character.trim() !== '' && !/[\p{Cc}\p{Cf}]/u.test(character))
    .flatMap((character) => [character, `##${character}`]);
  return createVocabulary([...new Set([...golden.tokens, ...pieces])]);
}

/** Biases and layer norms that are not those of a fresh model, so that each shows. */
function withBiases(weights, layout) {
  for (const { name, offset, size } of layout)
    if (/bias|beta|gamma/.test(name))
      for (let index = offset; index < offset + size; index++)
        weights[index] += 0.1 * Math.sin(index);
  return weights;
}

function expectedOutputs(model, weights) {
  const task = taskModels.pretraining;
  const { optimizer } = parseRunConfig({ name: 'verify', corpus: { path: 'none' } }, 'verify');
  const options = { task, model, optimizer, train: { numSteps: 1 }, seed: 1, precision: 'fp32' };
  const engine = createEagerEngine(options);
  const zeros = new Float32Array(weights.length);
  engine.loadState({ step: 0, weights, firstMoments: zeros, secondMoments: zeros });
  const size = numSequences * seqLength;
  const column = (valueAt) =>
    Int32Array.from({ length: size }, (_, index) =>
      valueAt(Math.floor(index / seqLength), index % seqLength),
    );
  // Sequences of all lengths, the second segment from the middle on.
  const columns = {
    inputIds: column((row, at) => (at > row ? 0 : (7919 * row + 104_729 * at) % model.vocabSize)),
    inputMask: column((row, at) => (at > row ? 0 : 1)),
    segmentIds: column((row, at) => (at > row || at < row / 2 ? 0 : 1)),
    maskedPositions: column((_, at) => at),
    maskedIds: column(() => 0),
    maskedWeights: new Float32Array(size).fill(1),
    nextSentenceLabels: new Int32Array(numSequences),
  };
  const outputs = engine.predict({ batchSize: numSequences, seqLength, columns });
  engine.dispose();
  const ints = (name) => ({
    name,
    dtype: 'I32',
    shape: [numSequences, seqLength],
    bytes: new Uint8Array(columns[name].buffer),
  });
  const { maskedLmLogits, nextSentenceLogits } = outputs;
  return encodeSafetensors([
    ints('inputIds'),
    ints('inputMask'),
    ints('segmentIds'),
    floatTensor('maskedLmLogits', [numSequences, seqLength, model.vocabSize], maskedLmLogits),
    floatTensor('nextSentenceLogits', [numSequences, 2], nextSentenceLogits),
  ]);
}

function expectedTokens(tokenizer) {
  const corpus = gunzipSync(read('corpus/sotu.jsonl.gz'))
    .toString()
    .split('\n')
    .filter((line) => line !== '')
    .flatMap((line) => JSON.parse(line).text.split(/(?<=[.?!]) +|\n+/))
    .slice(0, 10_000);
  return Object.fromEntries(
    Object.entries({ corpus, ...hardLines }).map(([name, lines]) => [
      name,
      lines.map((line) => ({ line, ids: tokenizer.tokenize(line) })),
    ]),
  );
}
