import { createS3ObjectStore, weightsDigest, type S3ObjectStore } from '@berth/checkpoint';
import {
  metricsFromSums,
  modelSectionSchema,
  parseRunConfig,
  resolveModelConfig,
  silentLogger,
  type AlignedBlock,
  type FineTuning,
  type TrainingEngine,
} from '@berth/contracts';
import {
  epochShardsOf,
  labelledExamples,
  makeLabelledShards,
  readExampleShard,
  type TaskExample,
} from '@berth/data';
import { startTensorFlow } from '@berth/graph';
import { createEagerEngine, createGraphEngine, fineTuningModel } from '@berth/model';
import { startS3Server, type S3Server } from '@berth/s3-server';
import { temporaryFolder } from '@berth/testing';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { engineInThisThread } from './engine-port.ts';
import { createExampleSource } from './example-source.ts';
import { trainInOneProcess } from './single-process.ts';

const credentials = { accessKeyId: 'test', secretAccessKey: 'secret' };
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

/** The class of the text weighs what its class does; of tokens those at odd places have one. */
async function* examplesOf(kind: 'classify' | 'tag'): AsyncGenerator<TaskExample> {
  for (let example = 0; example < numExamples; example++) {
    const ids = tokensOf(example);
    const ofText = classOf(ids[1]!);
    const columns =
      kind === 'tag'
        ? { labels: ids.map(classOf), labelWeights: ids.map((_, place) => place % 2) }
        : { labels: ofText, labelWeights: classWeights[ofText]! };
    const place = { path: 'made up', at: `line ${example + 1}` };
    yield { place, ids, numFirstSegment: ids.length, columns };
  }
}

let server: S3Server;
let store: S3ObjectStore;
beforeAll(async () => {
  const { path } = await temporaryFolder();
  server = await startS3Server({ folder: path, ...credentials });
  store = createS3ObjectStore(
    { endpoint: server.endpoint, region: 'us-east-1', bucket: 'test', ...credentials },
    silentLogger,
  );
  await store.ensureBucket();
});
afterAll(() => server.close());

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
  ['classify', 'graph', 1, 30, 0.5],
  ['tag', 'eager', 3, 8, 0.95],
] as const)(
  '%s is learnt by the %s engine, with the same bits by one worker and by three',
  async (kind, engineKind, numShards, numSteps, share) => {
    const fineTuning = { kind, labels };
    const engine = engineOf(engineKind, fineTuning);
    onTestFinished(() => engine.dispose());
    const { train: shards } = await makeLabelledShards(store, {
      ...sizes,
      fineTuning,
      numShards,
      train: examplesOf(kind),
      heldOut: examplesOf(kind),
    });
    const format = labelledExamples(fineTuning);
    const readers = await Promise.all(
      shards.map((shard) => readExampleShard(store, shard, format)),
    );
    const examples = createExampleSource({
      ...sizes,
      ...train,
      task: engine.task,
      seed,
      shardsOf: epochShardsOf({ train: shards, seed }),
      shuffleWindowShards: 2,
      microBatch: 2,
      shards: {
        count: async (_, shard) => shards[shard]!.numExamples,
        open: async (_, shard) => readers[shard]!,
      },
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
