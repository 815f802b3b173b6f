#!/usr/bin/env node
// Whether a model says here what it says in Hugging Face's libraries: filled masks, embeddings, held-out metrics.
//   node tools/verify/inference/main.mjs FOLDER CORPUS [PYTHON...]
// FOLDER: a model written by `berth export --for sentence-transformers`; CORPUS: text it is evaluated on; PYTHON: interpreters with
// torch, transformers and sentence-transformers.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { columnOf, runConfigSchema } from '@berth/contracts';
import { startTensorFlow } from '@berth/graph';
import { Answerer, heldOutBatchesOf } from '@berth/inference';

const [folder = '', corpusPath = '', ...pythons] = process.argv.slice(2);
const numExamples = 32;
const model = { kind: 'folder', path: resolve(folder) };
const corpus = runConfigSchema.shape.corpus.parse({ path: resolve(corpusPath) });
startTensorFlow({ numThreads: 2, device: 'cpu' });
const answerer = new Answerer(undefined);

const batches = [];
for await (const batch of heldOutBatchesOf(model, corpus, numExamples)) {
  const rows = (name) => {
    const column = Array.from(columnOf(batch, name));
    const size = column.length / batch.batchSize;
    return Array.from({ length: batch.batchSize }, (_, i) =>
      column.slice(i * size, (i + 1) * size),
    );
  };
  const names = [
    'inputIds',
    'inputMask',
    'segmentIds',
    'maskedPositions',
    'maskedIds',
    'maskedWeights',
  ];
  batches.push({
    ...Object.fromEntries(names.map((name) => [name, rows(name)])),
    nextSentenceLabels: Array.from(columnOf(batch, 'nextSentenceLabels')),
  });
}
const texts = readFileSync(corpusPath, 'utf8')
  .split('\n')
  .map((line) => line.trim())
  .filter((line) => line !== '')
  .slice(0, 64);
const masked = texts.slice(0, 32).map((text) => {
  const words = text.split(' ').slice(0, 12);
  words[Math.floor(words.length / 2)] = '[MASK]';
  return words.join(' ');
});
const ask = (request) => answerer.answer({ model, ...request });
const embedded = async (pooling) =>
  (await ask({ kind: 'embed', texts, pooling, isNormalized: false })).vectors;
const ours = {
  folder: model.path,
  batches,
  texts,
  masked,
  metrics: (await ask({ kind: 'evaluate', corpus, numExamples, hasPseudoPerplexity: false }))
    .metrics,
  filled: (await ask({ kind: 'fillMask', texts: masked, numCandidates: 20 })).texts,
  mean: await embedded('mean'),
  pooled: await embedded('pooled'),
  last4: await embedded('last-4'),
};

const work = mkdtempSync(join(tmpdir(), 'berth-verify-'));
try {
  const file = join(work, 'ours.json');
  writeFileSync(file, JSON.stringify(ours));
  const script = join(dirname(fileURLToPath(import.meta.url)), 'compare.py');
  for (const python of pythons) execFileSync(python, [script, file], { stdio: 'inherit' });
} finally {
  rmSync(work, { recursive: true });
}
