#!/usr/bin/env node
/**
 * Compares predictions of texts, words and questions with those of transformers, by its own tokenizer, on 200 inputs a task: labels,
 * tags and answers must be the same, probabilities equal to 1e-5. And back: models that transformers has fine-tuned here, small and offline,
 * must evaluate to the metrics that scikit-learn, SciPy and seqeval compute there.
 *
 * node tools/verify/fine-tuning/predict.mjs [--kind tag] PYTHON [PYTHON...]   each with torch and transformers; the first also with those three
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { modelSectionSchema, resolveModelConfig } from '@berth/contracts';
import { parseVocabulary } from '@berth/data';
import { writeHuggingFaceFolder } from '@berth/hugging-face';
import { createInferenceProcess } from '@berth/inference/client';
import { fineTuningModel, initialWeights, parameterLayout } from '@berth/model';

const { values: asked, positionals: pythons } = parseArgs({
  options: { kind: { type: 'string', multiple: true } },
  allowPositionals: true,
});
if (pythons.length === 0) throw new Error('usage: predict.mjs [--kind tag] PYTHON [PYTHON...]');
const isAsked = ({ kind }) => asked.kind === undefined || asked.kind.includes(kind);
const here = dirname(fileURLToPath(import.meta.url));
const numInputs = 200;
const labels = ['none', 'person', 'place', 'time'];
const fineTunings = [
  { kind: 'classify', labels },
  { kind: 'classify-many', labels },
  { kind: 'regress' },
  { kind: 'tag', labels: ['O', 'B-PER', 'I-PER', 'B-LOC', 'I-LOC'] },
  { kind: 'answer' },
];
const file = new URL('../../../libs/data/test/golden/vocab-8192.txt', import.meta.url);
const vocabulary = parseVocabulary(readFileSync(file), 'golden');
const section = modelSectionSchema.parse({ size: 'tiny', initializerRange: 0.1 });
const model = resolveModelConfig(section, vocabulary.tokens.length);
const timeoutMs = 600_000;

const whole = vocabulary.tokens.filter((token) => /^[a-z]{2,}$/.test(token));
/** Words of the vocabulary, some with an accent, a capital or a mark behind. */
function wordsOf(seed, num) {
  return Array.from({ length: num }, (_, i) => {
    const word = whole[(7919 * seed + 104_729 * i * i + 13 * i) % whole.length];
    const at = (seed + i) % 11;
    if (at === 0) return word.replace(/[aeo]/, 'é');
    if (at === 1) return word.toUpperCase();
    return at === 2 ? `${word}s` : word;
  });
}

function inputsOf(kind) {
  return Array.from({ length: numInputs }, (_, i) => {
    const words = wordsOf(i + 1, 3 + (i % 40));
    if (kind === 'tag') return { words };
    if (kind === 'answer')
      return {
        question: wordsOf(i + 500, 2 + (i % 9)).join(' '),
        context: `${wordsOf(i + 900, 20 + (i % 100)).join(' ')}.`,
      };
    const text = `${words.join(' ')}, ${words[0]}!`;
    return i % 2 === 0 ? { text } : { text, pair: wordsOf(i + 300, 2 + (i % 17)).join(' ') };
  });
}

function run(python, script, ...args) {
  const { status, error } = spawnSync(python, [join(here, script), ...args], { stdio: 'inherit' });
  if (error !== undefined) throw error;
  return status === 0;
}

const toLines = (rows) => rows.map((row) => `${JSON.stringify(row)}\n`).join('');
const work = mkdtempSync(join(tmpdir(), 'berth-verify-'));
const models = createInferenceProcess({ s3: undefined, numThreads: 2 });
let isEqual = true;
try {
  for (const fineTuning of fineTunings.filter(isAsked)) {
    const { kind } = fineTuning;
    const folder = join(work, kind);
    const layout = parameterLayout(model, fineTuningModel(fineTuning));
    const weights = initialWeights(layout, model, 3);
    const source = {
      where: kind,
      model,
      vocabulary,
      doLowerCase: true,
      fineTuning,
      layout,
      missing: new Set(),
      read: async ({ offset, size }) => weights.slice(offset, offset + size),
    };
    await writeHuggingFaceFolder(source, folder);
    const inputs = inputsOf(kind);
    const place = { kind: 'folder', path: folder };
    const request = { kind: 'predict', model: place, inputs };
    const { predictions } = await models.ask(request, { timeoutMs });
    writeFileSync(join(folder, 'kind.json'), JSON.stringify(kind));
    writeFileSync(join(folder, 'rows.jsonl'), toLines(inputs));
    writeFileSync(join(folder, 'predictions.jsonl'), toLines(predictions));
    for (const python of pythons) isEqual = run(python, 'check_predictions.py', folder) && isEqual;
    const said = new Set(
      predictions.map((one) => one.label ?? `${one.labels ?? one.tags ?? one.answer ?? one.value}`),
    );
    if (said.size < 2) {
      isEqual = false;
      console.log(`  ${kind}: all predictions are one  DIFFERS NOT ENOUGH`);
    }
  }
  for (const { kind } of fineTunings.filter(isAsked)) {
    const folder = join(work, `${kind}-theirs`);
    if (!run(pythons[0], 'finetune.py', join(work, kind), folder, kind))
      throw new Error('no model');
    const place = { kind: 'folder', path: folder };
    const path = join(folder, 'test.jsonl');
    const { report } = await models.ask(
      { kind: 'evaluateRows', model: place, path },
      { timeoutMs },
    );
    const theirs = JSON.parse(readFileSync(join(folder, 'metrics.json'), 'utf8'));
    for (const [name, value] of Object.entries(theirs)) {
      const difference = Math.abs(report.metrics[name] - value);
      const isRight = difference < (kind === 'regress' ? 1e-6 : 1e-12);
      isEqual &&= isRight;
      console.log(
        `  ${`${kind}: fine-tuned there, measured here`.padEnd(44)} ${name} ${value.toFixed(6)}, differs by ${difference.toExponential(1)}  ${isRight ? 'ok' : 'DIFFERS'}`,
      );
    }
  }
} finally {
  models.close();
  rmSync(work, { recursive: true, force: true });
}
console.log(isEqual ? 'all is equal' : 'not all is equal');
process.exitCode = isEqual ? 0 : 1;
