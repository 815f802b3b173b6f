import {
  metricsFromSums,
  modelSectionSchema,
  parseRunConfig,
  resolveModelConfig,
  sha256Hex,
  stepMetrics,
  type TrainingEngine,
} from '@berth/contracts';
import {
  batchOf,
  createVocabulary,
  epochShardsOf,
  finish,
  packDocuments,
  specialTokens,
  type ExampleShardReader,
} from '@berth/data';
import { startTensorFlow } from '@berth/graph';
import { createEagerEngine, createGraphEngine } from '@berth/model';
import { expect, it } from 'vitest';
import { engineInThisThread } from '../../../engine-port.ts';
import { evaluate } from '../../../evaluate.ts';
import { createExampleSource } from '../../../example-source.ts';
import { trainInOneProcess } from '../../../single-process.ts';
import { heldOutOf } from '../../held-out-of.ts';
import { sepCountExamples } from './sep-count-examples.ts';
import { sepCountModel } from './sep-count-model.ts';
import { maxCount, sepCount } from './sep-count-task.ts';

const { examples: settings, ...config } = parseRunConfig(
  {
    name: 'sep-count',
    corpus: { path: 'none' },
    examples: { maxSeqLength: 32, maxPredictions: 1, numShards: 2 },
    train: { numSteps: 64, globalBatch: 16, virtualRanks: 4 },
    optimizer: { learningRate: 0.003, numWarmupSteps: 4 },
  },
  'test',
);
const words = Array.from({ length: 40 }, (_, index) => `w${index}`);
const vocabulary = createVocabulary([...specialTokens, ...words]);
const documents = packDocuments(
  Array.from({ length: 60 }, (_, document) =>
    Array.from({ length: 12 }, (_, sentence) =>
      [0, 1].map(
        (word) => specialTokens.length + ((document * 7 + sentence * 3 + word) % words.length),
      ),
    ),
  ),
);

const opened = new Map<string, ExampleShardReader>();

function open(split: 'train' | 'heldOut', epoch: number, shard: number): ExampleShardReader {
  const place = { split, seed: 1, epoch, shard, exampleSetId: 'toy' };
  const key = JSON.stringify(place);
  const known = opened.get(key);
  if (known !== undefined) return known;
  const bytes = finish(sepCountExamples.make({ documents, vocabulary, settings, ...place }));
  const reader = sepCountExamples.open(bytes, sha256Hex(bytes));
  opened.set(key, reader);
  return reader;
}

const source = createExampleSource({
  ...settings,
  ...config.train,
  task: sepCount,
  seed: 1,
  shardsOf: epochShardsOf({
    train: Array.from({ length: settings.numShards }, () => ({ numTokens: 1 })),
    seed: 1,
  }),
  microBatch: 4,
  shards: {
    count: async (epoch, shard) => open('train', epoch, shard).numExamples,
    open: async (epoch, shard) => open('train', epoch, shard),
  },
});
const model = resolveModelConfig(
  modelSectionSchema.parse({
    size: 'tiny',
    numLayers: 1,
    hiddenSize: 32,
    maxPositions: 32,
    hiddenDropoutRatio: 0,
    attentionDropoutRatio: 0,
  }),
  vocabulary.tokens.length,
);
const common = { ...config, task: sepCountModel, model, precision: 'fp32' } as const;
const engines: Record<string, () => TrainingEngine> = {
  eager: () => {
    startTensorFlow({ numThreads: 1 });
    return createEagerEngine(common);
  },
  graph: () =>
    createGraphEngine({
      ...common,
      tensorFlow: startTensorFlow({ numThreads: 1 }),
      shape: { batchSize: 4, maxSeqLength: 32, maxPredictions: 1 },
    }),
};

it.each(['eager', 'graph'])(
  'a task that only tasks/ knows is learnt by the %s engine',
  async (kind) => {
    const engine = engines[kind]!();
    engine.initialize(1);
    const heldOut = open('heldOut', 0, 0);
    const port = engineInThisThread(engine);
    const baselines = sepCountExamples.baselines(undefined);
    const asked = { ...settings, numEvalExamples: 64, batchSize: 16, baselines };
    const before = (await evaluate(port, heldOutOf(heldOut), asked)).metrics;
    const losses: number[] = [];
    const { train } = config;
    for await (const { sums } of trainInOneProcess({ engine: port, examples: source, train }))
      losses.push(metricsFromSums(sepCount, sums).loss);
    const after = (await evaluate(port, heldOutOf(heldOut), asked)).metrics;
    expect(losses[0]).toBeCloseTo(Math.log(maxCount), 1);
    expect(after.loss).toBeLessThan(0.5 * before.loss);
    expect(after['sep_count_accuracy']).toBeGreaterThan(before['sep_count_accuracy']!);
    expect(stepMetrics(sepCount)).toEqual(expect.arrayContaining(Object.keys(after)));
    const rows = [0, 1, 2].map((example) => ({ reader: heldOut, example }));
    const outputs = await port.predict(batchOf(sepCount, settings, rows));
    expect(outputs['logits']).toHaveLength(rows.length * maxCount);
    engine.dispose();
  },
);
