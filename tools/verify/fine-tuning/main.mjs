#!/usr/bin/env node
/**
 * Compares fine-tuned models with transformers, both ways, on 200 inputs a task: what berth writes is opened there, and what
 * transformers saves is opened here. Logits must be equal to 1e-5 (Euclidean, relative), predicted labels equal by name and not all
 * the same.
 *
 * node tools/verify/fine-tuning/main.mjs [--kind tag] PYTHON [PYTHON...]   each with torch and transformers
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { modelSectionSchema, resolveModelConfig } from '@berth/contracts';
import { parseVocabulary } from '@berth/data';
import { startTensorFlow } from '@berth/graph';
import { parametersOf, readFineTunedFolder, writeHuggingFaceFolder } from '@berth/hugging-face';
import {
  createForwardEngine,
  fineTuningModel,
  initialWeights,
  parameterLayout,
} from '@berth/model';

const { values: asked, positionals: pythons } = parseArgs({
  options: { kind: { type: 'string', multiple: true } },
  allowPositionals: true,
});
if (pythons.length === 0) throw new Error('usage: main.mjs [--kind tag] PYTHON [PYTHON...]');
const here = dirname(fileURLToPath(import.meta.url));
const [numInputs, seqLength] = [200, 48];
const labels = ['none', 'person', 'place', 'time'];
const fineTunings = [
  { kind: 'classify', labels },
  { kind: 'classify-many', labels },
  { kind: 'regress' },
  { kind: 'tag', labels },
  { kind: 'answer' },
];
startTensorFlow({ numThreads: 2 });

const file = new URL('../../../libs/data/test/golden/vocab-8192.txt', import.meta.url);
const vocabulary = parseVocabulary(readFileSync(file), 'golden');
const section = modelSectionSchema.parse({ size: 'tiny', initializerRange: 0.1 });
const model = resolveModelConfig(section, vocabulary.tokens.length);
const work = mkdtempSync(join(tmpdir(), 'berth-verify-'));
let isEqual = true;

/** Texts and pairs of all lengths, padding behind. */
function inputs(vocabSize) {
  const column = (valueAt) =>
    Int32Array.from({ length: numInputs * seqLength }, (_, index) => {
      const [row, at] = [Math.floor(index / seqLength), index % seqLength];
      const length = 4 + (row % (seqLength - 3));
      return at < length ? valueAt(row, at, length) : 0;
    });
  return {
    inputIds: column((row, at) => 5 + ((7919 * row + 104_729 * at * at) % (vocabSize - 5))),
    inputMask: column(() => 1),
    segmentIds: column((row, at, length) => Number(row % 2 === 1 && at > length / 2)),
  };
}

/** What a source's model says of the inputs, by output, and the names of what it predicts. */
async function predict(source) {
  const weights = parametersOf(source);
  const engine = await createForwardEngine({
    task: fineTuningModel(source.fineTuning),
    model: source.model,
    read: async () => (await weights.next()).value[1],
  });
  await weights.next();
  const columns = inputs(source.model.vocabSize);
  const outputs = engine.predict({ batchSize: numInputs, seqLength, columns });
  engine.dispose();
  return { columns, outputs, names: namesOf(source.fineTuning, columns, outputs) };
}

function namesOf({ kind, labels: names = [] }, { inputMask }, outputs) {
  const largest = (values) => values.indexOf(Math.max(...values));
  const rows = (values, size) =>
    Array.from({ length: values.length / size }, (_, row) =>
      Array.from(values.subarray(row * size, (row + 1) * size)),
    );
  const { logits, startLogits, endLogits } = outputs;
  switch (kind) {
    case 'classify':
      return rows(logits, names.length).map((row) => names[largest(row)]);
    case 'classify-many':
      return rows(logits, names.length).map((row) => names.filter((_, id) => row[id] > 0).join());
    case 'tag':
      return rows(logits, names.length)
        .map((row) => names[largest(row)])
        .filter((_, token) => inputMask[token] === 1);
    case 'answer':
      return [startLogits, endLogits].flatMap((edge) => rows(edge, seqLength).map(largest));
    default:
      return [];
  }
}

const plain = (columns) =>
  Object.fromEntries(Object.entries(columns).map(([name, values]) => [name, Array.from(values)]));

function run(python, script, ...args) {
  const { status, error } = spawnSync(python, [join(here, script), ...args], { stdio: 'inherit' });
  if (error !== undefined) throw error;
  isEqual &&= status === 0;
}

/** Equal predictions prove little if all are one. */
function requireVaried(what, names) {
  const numNames = new Set(names).size;
  if (names.length === 0 || numNames >= 2) return;
  isEqual = false;
  console.log(`  ${what}: all predictions are ${names[0]}  DIFFERS NOT ENOUGH`);
}

function report(what, difference, differing, names) {
  const isRight = difference < 1e-5 && differing === 0;
  isEqual &&= isRight;
  const verdict = isRight ? 'ok' : 'DIFFERS';
  const kinds = names.length === 0 ? '' : `, of ${new Set(names).size} kinds`;
  console.log(
    `  ${what.padEnd(44)} logits ${difference.toExponential(1)}, predictions ${differing} differ${kinds}  ${verdict}`,
  );
  requireVaried(what, names);
}

try {
  for (const fineTuning of fineTunings) {
    const { kind } = fineTuning;
    if (asked.kind !== undefined && !asked.kind.includes(kind)) continue;
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
    const folder = join(work, kind);
    await writeHuggingFaceFolder(source, folder);
    const { columns, outputs, names } = await predict(source);
    requireVaried(`${kind}: written here`, names);
    writeFileSync(
      join(folder, 'expected.json'),
      JSON.stringify({ kind, seqLength, columns: plain(columns), outputs: plain(outputs), names }),
    );
    for (const python of pythons) {
      run(python, 'check_folder.py', folder);
      const theirs = join(work, `${kind}-theirs`);
      run(python, 'make_folder.py', folder, theirs);
      const back = await readFineTunedFolder(theirs);
      const ours = await predict(back);
      const expected = JSON.parse(readFileSync(join(theirs, 'expected.json'), 'utf8'));
      let [difference, length] = [0, 0];
      for (const [name, values] of Object.entries(expected.outputs))
        for (const [index, value] of values.entries()) {
          difference += (ours.outputs[name][index] - value) ** 2;
          length += value ** 2;
        }
      const differing = expected.names.filter((name, index) => name !== ours.names[index]).length;
      const isSameKind = JSON.stringify(back.fineTuning) === JSON.stringify(fineTuning);
      if (!isSameKind || expected.names.length !== ours.names.length) isEqual = false;
      report(
        `${kind}: saved there, opened here`,
        Math.sqrt(difference / length),
        differing,
        ours.names,
      );
      rmSync(theirs, { recursive: true });
    }
  }
} finally {
  rmSync(work, { recursive: true, force: true });
}
console.log(isEqual ? 'all is equal' : 'not all is equal');
process.exitCode = isEqual ? 0 : 1;
