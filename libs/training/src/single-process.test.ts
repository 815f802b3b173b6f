import { fileURLToPath } from 'node:url';
import { createS3ObjectStore, weightsDigest } from '@berth/checkpoint';
import {
  modelSectionSchema,
  parseRunConfig,
  resolveModelConfig,
  silentLogger,
  tasks,
  type AlignedBlock,
  type Cursor,
  type ModelConfig,
  type StepFacts,
  type TrainingEngine,
} from '@berth/contracts';
import {
  exampleSetIdOf,
  epochShardsOf,
  makeExampleShard,
  prepareDataset,
  readDatasetManifest,
  readExampleShard,
  readTextStatistics,
  taskExamples,
  type TextStatistics,
} from '@berth/data';
import { startTensorFlow, type TensorFlow } from '@berth/graph';
import { createEagerEngine, createGraphEngine, taskModels } from '@berth/model';
import { startS3Server, type S3Server } from '@berth/s3-server';
import { temporaryFolder } from '@berth/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { engineInThisThread } from './engine-port.ts';
import { evaluate } from './evaluate.ts';
import { createExampleSource, type ExampleSource } from './example-source.ts';
import type { ExampleReader } from './ports.ts';
import { heldOutOf } from './testing/held-out-of.ts';
import { trainInOneProcess } from './single-process.ts';

const corpus = fileURLToPath(new URL('../../data/test/golden/excerpt.txt', import.meta.url));
const config = parseRunConfig(
  {
    name: 'one-process',
    seed: 11,
    corpus: { path: corpus, heldOutRatio: 0.1 },
    vocabulary: { size: 800 },
    examples: { maxSeqLength: 32, maxPredictions: 5, numShards: 4, shuffleWindowShards: 2 },
    train: { numSteps: 8, globalBatch: 8, virtualRanks: 4, numEvalExamples: 16 },
    optimizer: { learningRate: 0.002, numWarmupSteps: 2 },
  },
  'test',
);
const task = taskModels.pretraining;
const credentials = { accessKeyId: 'test', secretAccessKey: 'secret' };

let server: S3Server;
let tensorFlow: TensorFlow;
let examples: ExampleSource;
let heldOut: ExampleReader;
let model: ModelConfig;
let statistics: TextStatistics | undefined;

beforeAll(async () => {
  tensorFlow = startTensorFlow({ numThreads: 1 });
  const { path } = await temporaryFolder();
  server = await startS3Server({ folder: path, ...credentials });
  const store = createS3ObjectStore(
    { endpoint: server.endpoint, region: 'us-east-1', bucket: 'test', ...credentials },
    silentLogger,
  );
  await store.ensureBucket();
  const { seed, vocabulary } = config;
  const manifestKey = await prepareDataset(
    {
      kind: 'dataset',
      runId: 'r',
      corpus: config.corpus!,
      vocabulary,
      numShards: 4,
      seed,
      askedAtMs: 1,
    },
    store,
  );
  const manifest = await readDatasetManifest(store, manifestKey);
  statistics = await readTextStatistics(store, manifest);
  const exampleSetId = exampleSetIdOf(manifest.datasetId, config.examples, seed);
  const job = {
    kind: 'examples',
    exampleSetId,
    manifestKey,
    seed,
    examples: config.examples,
  } as const;
  const opened = new Map<string, Promise<ExampleReader>>();
  const open = (split: 'train' | 'heldOut', epoch: number, shard: number) => {
    const key = `${split} ${epoch} ${shard}`;
    const known =
      opened.get(key) ??
      makeExampleShard(store, { ...job, split, epoch, shard }).then((made) =>
        readExampleShard(store, made, taskExamples.pretraining),
      );
    opened.set(key, known);
    return known;
  };
  heldOut = await open('heldOut', 0, 0);
  examples = createExampleSource({
    task: tasks.pretraining,
    ...config.examples,
    ...config.train,
    seed,
    microBatch: 2,
    shardsOf: epochShardsOf({ ...manifest, seed }),
    shards: {
      count: async (epoch, shard) => (await open('train', epoch, shard)).numExamples,
      open: (epoch, shard) => open('train', epoch, shard),
    },
  });
  model = resolveModelConfig(
    modelSectionSchema.parse({ size: 'tiny', numLayers: 1, hiddenSize: 16, maxPositions: 32 }),
    manifest.vocabulary.numTokens,
  );
});

afterAll(() => server.close());

function newEngine(): TrainingEngine {
  const { optimizer, train, seed } = config;
  return createEagerEngine({ task, model, optimizer, train, seed, precision: 'fp32' });
}

/** Trains from the seed, or on from a state, and returns the digest of the weights. */
async function trained(
  engine: TrainingEngine,
  options: {
    blocks?: readonly AlignedBlock[];
    from?: { step: number; cursor: Cursor };
    numSteps?: number;
  } = {},
): Promise<{ digest: string; cursor: Cursor; gradientDigests: string[] }> {
  const { numSteps = config.train.numSteps, ...rest } = options;
  const gradientDigests: string[] = [];
  let cursor: Cursor = { epoch: 0, index: 0 };
  const steps = trainInOneProcess({
    engine: engineInThisThread(engine),
    examples,
    train: { ...config.train, numSteps },
    ...rest,
  });
  for await (const { facts } of steps) {
    gradientDigests.push(facts.gradientDigest);
    cursor = facts.to;
  }
  return { digest: await weightsDigest(engine.readState().weights), cursor, gradientDigests };
}

describe('a step that is not finite', () => {
  const steep = { ...config.optimizer, learningRate: 1e30, numWarmupSteps: 1 };
  const { train, seed } = config;
  const engines = {
    eager: () =>
      createEagerEngine({ task, model, optimizer: steep, train, seed, precision: 'fp32' }),
    graph: () =>
      createGraphEngine({
        task,
        model,
        optimizer: steep,
        train,
        seed,
        precision: 'fp32',
        tensorFlow,
        shape: { batchSize: 2, maxSeqLength: 32, maxPredictions: 5 },
      }),
  };
  const halves = [0, 2].map((start) => ({ start, length: 2 }));

  it.each([
    ['eager', 'by a lone member', {}],
    ['eager', 'by several', { blocks: halves }],
    ['graph', 'by a lone member', {}],
    ['graph', 'by several', { blocks: halves }],
  ] as const)('ends before its vote, computed %s, %s', async (kind, _, options) => {
    const engine = engines[kind]();
    engine.initialize(seed);
    const port = engineInThisThread(engine);
    const facts: StepFacts[] = [];
    const steps = trainInOneProcess({ engine: port, examples, train, ...options });
    const run = async (): Promise<void> => {
      for await (const outcome of steps) facts.push(outcome.facts);
    };
    const error: unknown = await run().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: 'NUMERICS_NOT_FINITE',
      details: { step: facts.length },
    });
    const first = facts.length * train.globalBatch;
    expect(String(error)).toMatch(
      `step ${facts.length}, examples 0.${first} to 0.${first + train.globalBatch}: gradient norm `,
    );
    expect(facts.length).toBeGreaterThan(0);
    // The state is that after the last sound step.
    expect(engine.readState().step).toBe(facts.length);
    engine.dispose();
  });
});

describe('a run in one process', () => {
  it('gives the same bits whoever computes which virtual ranks', async () => {
    const whole = newEngine();
    whole.initialize(config.seed);
    const expected = await trained(whole);
    const splits = [
      [
        { start: 0, length: 2 },
        { start: 2, length: 2 },
      ],
      [
        { start: 0, length: 1 },
        { start: 1, length: 1 },
        { start: 2, length: 2 },
      ],
      [0, 1, 2, 3].map((start) => ({ start, length: 1 })),
    ];
    for (const blocks of splits) {
      const engine = newEngine();
      engine.initialize(config.seed);
      expect(await trained(engine, { blocks })).toEqual(expected);
      engine.dispose();
    }
    whole.dispose();
  });

  it('gives the same bits when it goes on from a state at any step', async () => {
    const engine = newEngine();
    engine.initialize(config.seed);
    const expected = await trained(engine);
    for (const step of [1, 5]) {
      engine.initialize(config.seed);
      const { cursor } = await trained(engine, { numSteps: step });
      const resumed = newEngine();
      resumed.loadState(engine.readState());
      expect((await trained(resumed, { from: { step, cursor } })).digest).toBe(expected.digest);
      resumed.dispose();
    }
    engine.dispose();
  });

  it('starts at ln V + ln 2 and learns', async () => {
    const engine = newEngine();
    engine.initialize(config.seed);
    const options = () => ({
      ...config.examples,
      numEvalExamples: 16,
      batchSize: 5,
      baselines: taskExamples.pretraining.baselines(statistics),
    });
    const before = await evaluate(engineInThisThread(engine), heldOutOf(heldOut), options());
    await trained(engine);
    const after = await evaluate(engineInThisThread(engine), heldOutOf(heldOut), options());
    const knowingNothing = Math.log(model.vocabSize) + Math.LN2;
    expect(Math.abs(before.metrics.loss - knowingNothing)).toBeLessThan(0.3);
    expect(after.metrics['masked_lm_loss']).toBeLessThan(before.metrics['masked_lm_loss']!);
    expect(after.metrics).toMatchObject({
      masked_lm_loss_unigram: before.metrics['masked_lm_loss_unigram'],
      next_sentence_accuracy_majority: before.metrics['next_sentence_accuracy_majority'],
    });
    // What knows how often tokens occur is better than what knows nothing.
    expect(after.metrics['masked_lm_loss_unigram']).toBeLessThan(Math.log(model.vocabSize));
    engine.dispose();
  });
});
