#!/usr/bin/env node
/**
 * Imports folders of every shape that transformers writes, and compares what each model that loads gives here and there; those that
 * berth cannot read must be refused, by name: node tools/verify/import/main.mjs PYTHON [PYTHON...]
 * Each Python has torch and transformers.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { allocateBatch, toBerthError } from '@berth/contracts';
import { startTensorFlow } from '@berth/graph';
import { parametersOf, readHuggingFaceFolder } from '@berth/hugging-face';
import { createForwardEngine, taskModels } from '@berth/model';

const tolerance = 1e-5;
/** What each of these must be refused for. */
const refusals = {
  relu: /hidden_act is relu/,
  'one segment': /type_vocab_size is 1/,
  decoder: /it is a decoder/,
  untied: /tie_word_embeddings/,
  DistilBERT: /model_type is distilbert/,
  RoBERTa: /model_type is roberta/,
  ModernBERT: /model_type is modernbert/,
  ELECTRA: /model_type is electra/,
  ALBERT: /model_type is albert/,
};
const pythons = process.argv.slice(2);
if (pythons.length === 0) {
  console.error('usage: node tools/verify/import/main.mjs PYTHON [PYTHON...]');
  process.exit(2);
}
startTensorFlow({ numThreads: 1, device: 'cpu' });
const task = taskModels.pretraining;
const here = dirname(fileURLToPath(import.meta.url));
let isRight = true;
const report = (name, text, isGood) => {
  isRight &&= isGood;
  console.log(`${isGood ? 'ok ' : 'BAD'} ${name.padEnd(30)} ${text}`);
};
for (const python of pythons) {
  const folder = mkdtempSync(join(tmpdir(), 'berth-verify-'));
  try {
    execFileSync(python, [join(here, 'make_folders.py'), folder], { stdio: 'inherit' });
    const version = 'import transformers; print(transformers.__version__)';
    console.log(`transformers ${execFileSync(python, ['-c', version]).toString().trim()}`);
    for (const name of readdirSync(folder)) await check(folder, name);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
console.log(isRight ? 'all is as it should be' : 'not all is as it should be');
process.exitCode = isRight ? 0 : 1;

async function check(folder, name) {
  const path = join(folder, name);
  let source;
  try {
    source = await readHuggingFaceFolder(path);
  } catch (error) {
    const { message } = toBerthError(error);
    report(name, message.replaceAll(`${path}/`, ''), refusals[name]?.test(message) === true);
    return;
  }
  const namesOf = (state) =>
    source.rows.filter((row) => row.state === state).map((row) => row.name);
  const [loaded, missing, unused] = ['loaded', 'missing', 'unused'].map(namesOf);
  const table =
    `${loaded.length} loaded; ${missing.length} missing ${missing.join(', ')}; ` +
    `${unused.length} unused ${unused.join(', ')}`;
  if (name in refusals) return report(name, `loaded, and should be refused (${table})`, false);
  const { columns, outputs, numSequences, seqLength } = JSON.parse(
    readFileSync(join(path, 'expected.json'), 'utf8'),
  );
  const given = await outputsOf(source, { columns, numSequences, seqLength });
  const differences = Object.entries(outputs).map(([output, expected]) => [
    output,
    relative(given[output], expected, { columns, numRows: numSequences * seqLength }),
  ]);
  const shown = differences.map(([output, value]) => `${output} ${value.toExponential(1)}`);
  report(name, table, true);
  report(
    '',
    shown.join(', '),
    differences.every(([, value]) => value <= tolerance),
  );
}

async function outputsOf(source, { columns, numSequences: batchSize, seqLength }) {
  const weights = parametersOf(source);
  const engine = await createForwardEngine({
    task,
    model: source.model,
    read: async ({ name, size }) =>
      source.missing.has(name) ? new Float32Array(size) : (await weights.next()).value[1],
  });
  const batch = allocateBatch(task.task, {
    batchSize,
    maxSeqLength: seqLength,
    maxPredictions: seqLength,
  });
  for (const [name, values] of Object.entries(columns)) batch.columns[name].set(values);
  batch.columns.maskedPositions.set(
    Array.from({ length: batchSize * seqLength }, (_, index) => index % seqLength),
  );
  const outputs = {
    ...engine.predict(batch),
    mean: engine.embed(batch, 'mean'),
    pooled: engine.embed(batch, 'pooled'),
  };
  engine.dispose();
  return outputs;
}

/** The difference of two outputs where there are tokens, by the length of what is expected. */
function relative(actual, expected, { columns, numRows }) {
  const width = expected.length / numRows;
  const isToken = (index) =>
    width < 1 || !Number.isInteger(width) || columns.inputMask[Math.floor(index / width)] === 1;
  let [difference, length] = [0, 0];
  for (const [index, value] of expected.entries()) {
    if (!isToken(index)) continue;
    difference += (actual[index] - value) ** 2;
    length += value ** 2;
  }
  if (actual.length !== expected.length) return Infinity;
  return Math.sqrt(difference / length);
}
