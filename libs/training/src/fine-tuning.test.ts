import { weightsDigest } from '@berth/checkpoint';
import {
  columnOf,
  metricsFromSums,
  parseRunConfig,
  resolveModelConfig,
  modelSectionSchema,
  type AlignedBlock,
  type ExampleBatch,
  type FineTuning,
  type TrainingEngine,
} from '@berth/contracts';
import type { ExampleShardReader } from '@berth/data';
import { startTensorFlow } from '@berth/graph';
import { createEagerEngine, createGraphEngine, fineTuningModel } from '@berth/model';
import { expect, it, onTestFinished } from 'vitest';
import { engineInThisThread } from './engine-port.ts';
import { createExampleSource } from './example-source.ts';
import { trainInOneProcess } from './single-process.ts';

const labels = ['first', 'second', 'third'];
const sizes = { maxSeqLength: 16, maxPredictions: 1 };
const numExamples = 96;
const classWeights = [1, 0.75, 1.5];
const { optimizer, train, seed } = parseRunConfig(
  {
    name: 'fine-tuning',
    corpus: { path: 'none' },
    train: { numSteps: 30, globalBatch: 16, virtualRanks: 4 },
    optimizer: { learningRate: 0.002, numWarmupSteps: 3 },
  },
  'test',
);
const model = resolveModelConfig(
  modelSectionSchema.parse({ size: 'tiny', numLayers: 1, hiddenSize: 32, maxPositions: 16 }),
  64,
);

/** The class of a token is the remainder of its number, and that of a text the class of its second token. */
const classOf = (token: number): number => token % labels.length;

const tokensOf = (example: number): number[] =>
  Array.from({ length: 6 + (example % 10) }, (_, place) =>
    place === 0 ? 2 : 5 + ((example * 13 + place * place * 7) % 59),
  );

/** What an example's labels weigh: that of the text, or those of its odd places. */
const weightsOf: Record<string, (example: number) => number[]> = {
  classify: (example) => [classWeights[classOf(tokensOf(example)[1]!)]!],
  tag: (example) => tokensOf(example).map((_, place) => place % 2),
};

function readerOf(kind: string): ExampleShardReader {
  return {
    numExamples,
    numTokens: 0,
    numPredictions: 0,
    countOf: (sum, example) =>
      sum === 'labelWeight'
        ? weightsOf[kind]!(example).reduce((total, weight) => total + weight, 0)
        : 1,
    copyInto(batch: ExampleBatch, row: number, example: number) {
      const tokens = tokensOf(example);
      const start = row * batch.seqLength;
      columnOf(batch, 'inputIds').set(tokens, start);
      columnOf(batch, 'inputMask').fill(1, start, start + tokens.length);
      const [first, classes] =
        kind === 'tag' ? [start, tokens.map(classOf)] : [row, [classOf(tokens[1]!)]];
      columnOf(batch, 'labels').set(classes, first);
      columnOf(batch, 'labelWeights').set(weightsOf[kind]!(example), first);
    },
  };
}

function engineOf(kind: 'graph' | 'eager', fineTuning: FineTuning): TrainingEngine {
  const tensorFlow = startTensorFlow({ numThreads: 1 });
  const options = {
    task: fineTuningModel(fineTuning),
    model,
    optimizer,
    train,
    seed,
    precision: 'fp32',
  } as const;
  return kind === 'eager'
    ? createEagerEngine(options)
    : createGraphEngine({ ...options, tensorFlow, shape: { batchSize: 2, ...sizes } });
}

/** One worker, then three: of two virtual ranks, one and one. */
const workers: readonly (readonly AlignedBlock[])[] = [
  [{ start: 0, length: 4 }],
  [
    { start: 0, length: 2 },
    { start: 2, length: 1 },
    { start: 3, length: 1 },
  ],
];

it.each([
  ['classify', 'graph', 30, 0.5],
  ['tag', 'eager', 8, 0.95],
] as const)(
  '%s is learnt by the %s engine, with the same bits by one worker and by three',
  async (kind, engineKind, numSteps, share) => {
    const engine = engineOf(engineKind, { kind, labels });
    onTestFinished(() => engine.dispose());
    const reader = readerOf(kind);
    const examples = createExampleSource({
      ...sizes,
      ...train,
      task: engine.task,
      seed,
      shardsOf: () => Uint32Array.of(0),
      shuffleWindowShards: 1,
      microBatch: 2,
      shards: { count: async () => numExamples, open: async () => reader },
    });
    const results = [];
    for (const blocks of workers) {
      engine.initialize(seed);
      const losses: number[] = [];
      const gradients: string[] = [];
      const steps = trainInOneProcess({
        engine: engineInThisThread(engine),
        examples,
        train: { ...train, numSteps },
        blocks,
      });
      for await (const { sums, facts } of steps) {
        losses.push(metricsFromSums(engine.task, sums).loss);
        gradients.push(facts.gradientDigest);
      }
      results.push({ losses, gradients, weights: await weightsDigest(engine.readState().weights) });
    }
    const [alone, three] = results;
    expect(three).toEqual(alone);
    expect(alone!.losses[0]).toBeCloseTo(Math.log(labels.length), 1);
    expect(alone!.losses.at(-1)).toBeLessThan(share * alone!.losses[0]!);
  },
);
