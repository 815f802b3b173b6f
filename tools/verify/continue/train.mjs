#!/usr/bin/env node
/**
 * Continues a Hugging Face folder on a text in this process, the same steps as in a cluster with dropout off, and writes down the
 * batches and losses, for compare.py to do the same in PyTorch.
 *
 * node tools/verify/continue/train.mjs FOLDER TEXT OUT [steps] [extend] [rate]
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createS3ObjectStore, loadModelWeights, storeModel } from '@berth/checkpoint';
import {
  describeHealth,
  parseRunConfig,
  resolveModelConfig,
  silentLogger,
  tasks,
  withStoredModel,
} from '@berth/contracts';
import {
  epochShardsOf,
  exampleSetIdOf,
  makeExampleShard,
  oldEntriesOf,
  parseVocabulary,
  prepareDataset,
  readDatasetManifest,
  readDatasetVocabulary,
  readExampleShard,
  readTextStatistics,
  taskExamples,
} from '@berth/data';
import { startTensorFlow } from '@berth/graph';
import { readHuggingFaceFolder, trainedModelOf } from '@berth/hugging-face';
import { continueFrom, createGraphEngine, taskModels } from '@berth/model';
import { startS3Server } from '@berth/s3-server';
import {
  createExampleSource,
  engineInThisThread,
  evaluate,
  trainInOneProcess,
} from '@berth/training';

const [folder, text, out, steps = '100', extend = '', rate = '1e-4'] = process.argv.slice(2);
if (out === undefined) throw new Error('usage: train.mjs FOLDER TEXT OUT [steps] [extend] [rate]');
const numSteps = Number(steps);
const work = mkdtempSync(join(tmpdir(), 'berth-verify-'));
const credentials = { accessKeyId: 'verify', secretAccessKey: 'verify-secret' };
const server = await startS3Server({ folder: work, ...credentials });
const store = createS3ObjectStore(
  { endpoint: server.endpoint, region: 'us-east-1', bucket: 'verify', prefix: '', ...credentials },
  silentLogger,
);
await store.ensureBucket();

const source = await readHuggingFaceFolder(resolve(folder));
const stored = await storeModel(store, trainedModelOf(source));

const written = {
  name: 'verify',
  corpus: { path: resolve(text), heldOutRatio: 0.1 },
  vocabulary: { ...(extend !== '' && { extend: Number(extend) }) },
  init: { from: 'verify' },
  model: { hiddenDropoutRatio: 0, attentionDropoutRatio: 0 },
  examples: { maxSeqLength: 64, maxPredictions: 10, numShards: 4, shuffleWindowShards: 4 },
  optimizer: { learningRate: Number(rate), numWarmupSteps: 10, schedule: 'linear' },
  train: { numSteps, globalBatch: 32, virtualRanks: 4, numEvalExamples: 256 },
};
const config = parseRunConfig(withStoredModel(written, stored, 'verify'), 'verify');
const { seed, corpus, vocabulary, examples, optimizer, train } = config;
const { key, sizeBytes, sha256 } = stored.vocabulary;
const manifestKey = await prepareDataset(
  {
    kind: 'dataset',
    runId: 'verify',
    corpus,
    vocabulary,
    modelVocabulary: { key, sizeBytes, sha256 },
    numShards: examples.numShards,
    seed,
    askedAtMs: 1,
  },
  store,
);
const manifest = await readDatasetManifest(store, manifestKey);
console.log(describeHealth(manifest.health));

const task = taskModels.pretraining;
const model = resolveModelConfig(config.model, manifest.vocabulary.numTokens);
const exampleSetId = exampleSetIdOf(manifest.datasetId, examples, seed);
const job = { kind: 'examples', exampleSetId, manifestKey, seed, examples };
const opened = new Map();
const open = (split, epoch, shard) => {
  const name = `${split} ${epoch} ${shard}`;
  if (!opened.has(name)) opened.set(name, make(split, epoch, shard));
  return opened.get(name);
};
const make = async (split, epoch, shard) =>
  readExampleShard(
    store,
    await makeExampleShard(store, { ...job, split, epoch, shard }),
    taskExamples.pretraining,
  );
const heldOut = await open('heldOut', 0, 0);
// All that will be read, since the server of the bucket is in this thread too, which TensorFlow blocks.
let numToCome = numSteps * train.globalBatch;
for (let epoch = 0, isLast = false; !isLast; epoch++) {
  isLast = numToCome <= 0;
  for (const shard of manifest.train.keys())
    numToCome -= (await open('train', epoch, shard)).numExamples;
}
const statistics = await readTextStatistics(store, manifest);
const microBatch = train.globalBatch / train.virtualRanks;
const shape = {
  batchSize: microBatch,
  maxSeqLength: examples.maxSeqLength,
  maxPredictions: examples.maxPredictions,
};
const tensorFlow = startTensorFlow({ numThreads: 1 });
const engine = createGraphEngine({
  task,
  model,
  optimizer,
  train,
  seed,
  precision: 'fp32',
  tensorFlow,
  shape,
});
const now = parseVocabulary(await readDatasetVocabulary(store, manifest), 'vocab.txt');
engine.loadState(
  continueFrom({
    task,
    model,
    seed,
    weights: await loadModelWeights(store, stored),
    oldEntries: oldEntriesOf(source.vocabulary, now),
  }).state,
);

/** Notes the batches of each step, as they go into the engine. */
const batches = [];
const port = engineInThisThread(engine);
const noting = {
  ...port,
  holdGradients(request) {
    batches.push(
      request.ranks.flatMap(({ microBatches }) => microBatches.map((batch) => plainBatch(batch))),
    );
    return port.holdGradients(request);
  },
};

function plainBatch(batch) {
  return Object.fromEntries(
    Object.entries(batch.columns).map(([name, values]) => [name, Array.from(values)]),
  );
}

const heldOutLoss = async () => {
  const { metrics } = await evaluate(port, heldOut, {
    ...examples,
    numEvalExamples: train.numEvalExamples,
    batchSize: microBatch,
    baselines: taskExamples.pretraining.baselines(statistics),
  });
  return metrics;
};
const shown = ({ loss, masked_lm_loss, masked_lm_accuracy }) =>
  `loss ${loss.toFixed(4)}, masked_lm_loss ${masked_lm_loss.toFixed(4)}, accuracy ${masked_lm_accuracy.toFixed(4)}`;

console.log(`held out before: ${shown(await heldOutLoss())}`);
const sampled = createExampleSource({
  task: tasks.pretraining,
  ...examples,
  ...train,
  seed,
  microBatch,
  shardsOf: epochShardsOf({ ...manifest, seed }),
  shards: {
    count: async (epoch, shard) => (await open('train', epoch, shard)).numExamples,
    open: (epoch, shard) => open('train', epoch, shard),
  },
});
const losses = [];
for await (const { sums, applied } of trainInOneProcess({
  engine: noting,
  examples: sampled,
  train,
})) {
  const { maskedLmLoss, maskedWeight, nextSentenceLoss, numExamples } = sums;
  losses.push({
    loss: maskedLmLoss / (maskedWeight + 1e-5) + nextSentenceLoss / numExamples,
    gradientNorm: applied.gradientNorm,
    learningRate: applied.learningRate,
  });
}
console.log(`held out after ${numSteps} steps: ${shown(await heldOutLoss())}`);
mkdirSync(out, { recursive: true });
const { vocabSize } = model;
writeFileSync(
  join(out, 'steps.json'),
  JSON.stringify({ optimizer, shape, vocabSize, losses, batches }),
);
console.log(`first loss ${losses[0].loss.toFixed(4)}, last ${losses.at(-1).loss.toFixed(4)}`);
engine.dispose();
store.close();
await server.close();
rmSync(work, { recursive: true });
