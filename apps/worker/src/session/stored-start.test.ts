import { createS3ObjectStore, storeModel } from '@berth/checkpoint';
import {
  modelSectionSchema,
  parseRunConfig,
  resolveModelConfig,
  silentLogger,
  type FineTuning,
  type StoredModel,
  type TrainingState,
} from '@berth/contracts';
import { createVocabulary, serializeVocabulary, specialTokens } from '@berth/data';
import { continueFrom, fineTuningModel, outputParameters, parameterLayout } from '@berth/model';
import { startS3Server } from '@berth/s3-server';
import { temporaryFolder } from '@berth/testing';
import { describe, expect, it, onTestFinished } from 'vitest';
import { storedStart } from './stored-start.ts';

const credentials = { accessKeyId: 'test', secretAccessKey: 'secret' };
const learnt: FineTuning = { kind: 'classify', labels: ['bad', 'good'] };
const vocabulary = createVocabulary([...specialTokens, 'a', 'b']);
const model = resolveModelConfig(
  modelSectionSchema.parse({ size: 'tiny', numLayers: 1, hiddenSize: 8, maxPositions: 16 }),
  vocabulary.tokens.length,
);
const layout = parameterLayout(model, fineTuningModel(learnt));
const { weights } = continueFrom({
  task: fineTuningModel(learnt),
  model,
  seed: 3,
  weights: new Map(),
  oldEntries: new Map(),
}).state;
/** By name, of a fine-tuned model's weights. */
const partOf = (all: Float32Array, name: string): Float32Array => {
  const { offset, size } = layout.find((spec) => spec.name === name)!;
  return all.slice(offset, offset + size);
};

/** What a run for some labels begins as that begins with the model. */
async function begun(task: FineTuning, init: object = {}): Promise<TrainingState> {
  const server = await startS3Server({ folder: (await temporaryFolder()).path, ...credentials });
  const { endpoint } = server;
  const s3 = { endpoint, region: 'us-east-1', bucket: 'test', prefix: '', ...credentials };
  const store = createS3ObjectStore(s3, silentLogger);
  onTestFinished(async () => {
    store.close();
    await server.close();
  });
  await store.ensureBucket();
  const bytes = serializeVocabulary(vocabulary);
  const stored: StoredModel = await storeModel(store, {
    where: 'a test',
    model,
    doLowerCase: true,
    fineTuning: learnt,
    vocabulary: { bytes, numTokens: vocabulary.tokens.length },
    parameters: layout.map(({ name }) => name),
    read: async (name) => ({
      shape: layout.find((spec) => spec.name === name)!.shape,
      values: partOf(weights, name),
    }),
  });
  expect(stored.fineTuning).toEqual(learnt);
  const config = parseRunConfig(
    {
      name: 'r',
      init: { from: 'it', sha256: stored.modelId, ...init },
      task: { kind: task.kind, train: 't.csv' },
    },
    'test',
  );
  const start = storedStart({
    store,
    record: { config },
    dataset: stored,
    task,
    model,
    logger: silentLogger,
  });
  return start!(new AbortController().signal);
}

describe('a run that begins with a fine-tuned model', () => {
  it('goes on with its head for the same labels', async () => {
    expect((await begun(learnt)).weights).toEqual(weights);
  });

  it('is refused for others, with what to do', async () => {
    const others: FineTuning = { kind: 'classify', labels: ['good', 'bad'] };
    await expect(begun(others)).rejects.toMatchObject({
      code: 'CHECKPOINT_MISMATCH',
      message: expect.stringContaining('or leave its head (init.newHead: true)') as string,
    });
  });

  it('has a head of its own, where it leaves that of the model', async () => {
    const others: FineTuning = { kind: 'classify', labels: ['good', 'bad'] };
    const state = await begun(others, { newHead: true });
    for (const { name } of layout) {
      const isSame = partOf(state.weights, name).every(
        (value, i) => value === partOf(weights, name)[i],
      );
      const isZero = partOf(weights, name).every((value) => value === 0);
      expect([name, isSame || isZero]).toEqual([
        name,
        !outputParameters(learnt).includes(name) || isZero,
      ]);
    }
  });
});
