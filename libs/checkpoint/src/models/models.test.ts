import {
  canonicalJson,
  silentLogger,
  type DatasetManifest,
  type ModelConfig,
} from '@berth/contracts';
import { describe, expect, it } from 'vitest';
import { sha256InTurns, weightsDigest } from '../digest.ts';
import { manifestKey } from '../keys.ts';
import { startTestStore, stateAt, storeParts, testLayout, testLine } from '../testing/fixtures.ts';
import type { S3ObjectStore } from '../s3/s3-object-store.ts';
import { writeManifest } from '../write.ts';
import { findModel, nameModel } from './find-model.ts';
import { listModels, modelOfName, removeModel, removeModelName } from './list-models.ts';
import { modelManifestKey } from './model-keys.ts';
import { loadModelWeights, readModel, readModelVocabulary } from './read-model.ts';
import { storeModel } from './store-model.ts';
import type { TrainedModel } from './trained-model.ts';

const model: ModelConfig = {
  vocabSize: 10,
  hiddenSize: 4,
  numLayers: 1,
  numHeads: 1,
  intermediateSize: 8,
  maxPositions: 8,
  typeVocabSize: 2,
  hiddenAct: 'gelu',
  hiddenDropoutRatio: 0.1,
  attentionDropoutRatio: 0.1,
  initializerRange: 0.02,
  layerNormEps: 1e-12,
};
const vocabulary = new TextEncoder().encode('[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nb\nc\nd\ne\n');

/** A model of the test layout with the weights of a step; without some of its parameters. */
function source(step: number, { without = '' } = {}): TrainedModel {
  const { weights } = stateAt(step);
  return {
    where: `./folder-${step}`,
    model,
    doLowerCase: true,
    vocabulary: { bytes: vocabulary, numTokens: 10 },
    parameters: testLayout.map(({ name }) => name).filter((name) => name !== without),
    async read(parameter) {
      const { shape, offset, size } = testLayout.find(({ name }) => name === parameter)!;
      return { shape, values: weights.subarray(offset, offset + size) };
    },
  };
}

/** A checkpoint with its dataset, which has the vocabulary. */
async function storeRun(store: S3ObjectStore, step: number): Promise<void> {
  const datasetId = '0'.repeat(64);
  const part = async (name: string, bytes: Uint8Array): Promise<DatasetManifest['vocabulary']> => {
    const key = `datasets/${datasetId}/${name}`;
    await store.put(key, bytes);
    const sha256 = await sha256InTurns(bytes);
    return { key, sizeBytes: bytes.byteLength, sha256, numTokens: 10 };
  };
  const { numTokens: _, ...shard } = await part('held-out', new Uint8Array(1));
  const documents = { ...shard, numDocuments: 1, numSentences: 1, numTokens: 1 };
  const dataset: DatasetManifest = {
    format: 'berth-dataset/1',
    datasetId,
    corpusDigest: datasetId,
    vocabulary: await part('vocab.txt', vocabulary),
    doLowerCase: true,
    heldOutRatio: 0.1,
    train: [documents],
    heldOut: documents,
  };
  await store.put(`datasets/${datasetId}/manifest.json`, Buffer.from(canonicalJson(dataset)));
  const manifest = { ...(await storeParts(store, step)), datasetId, model: { ...model } };
  await writeManifest(store, 1, manifest, silentLogger);
}

const find = (store: S3ObjectStore, from: string, sha256?: string) =>
  findModel(store, { from, sha256 }, silentLogger);

function withCode(code: string): unknown {
  return expect.objectContaining({ code });
}

describe('a stored model', () => {
  it('is read back to the bit', async () => {
    const { store } = await startTestStore();
    const stored = await storeModel(store, source(3));
    expect(stored.weightsDigest).toBe(await weightsDigest(stateAt(3).weights));
    expect(await readModel(store, stored.modelId)).toEqual(stored);
    expect(await readModelVocabulary(store, stored)).toEqual(vocabulary);
    const weights = await loadModelWeights(store, stored);
    for (const { name, shape, offset, size } of testLayout)
      expect(weights.get(name)).toEqual({
        shape,
        values: stateAt(3).weights.subarray(offset, offset + size),
      });
  });

  it('has a name of its own for other weights, parameters or vocabulary, and the same from elsewhere', async () => {
    const { store } = await startTestStore();
    const first = await storeModel(store, source(3));
    const others = [
      source(4),
      source(3, { without: 'cls/predictions/output_bias' }),
      { ...source(3), model: { ...model, layerNormEps: 1e-6 } },
      { ...source(3), doLowerCase: false },
      { ...source(3), vocabulary: { bytes: vocabulary.slice(0, -2), numTokens: 9 } },
    ];
    const ids = [first.modelId];
    for (const other of others) ids.push((await storeModel(store, other)).modelId);
    expect(new Set(ids).size).toBe(6);
    expect(await storeModel(store, { ...source(3), where: './moved' })).toEqual(first);
  });

  it('is refused when its weights change while they are read', async () => {
    const { store } = await startTestStore();
    let numReads = 0;
    const changing: TrainedModel = {
      ...source(3),
      read: (name) => source(numReads++ < testLayout.length ? 3 : 4).read(name),
    };
    await expect(storeModel(store, changing)).rejects.toThrow(withCode('CHECKPOINT_CORRUPT'));
    expect(await store.list('models/')).not.toContainEqual(
      expect.objectContaining({ key: expect.stringMatching(/manifest\.json$/) as string }),
    );
  });

  it('is refused when it is damaged', async () => {
    const { store } = await startTestStore();
    const stored = await storeModel(store, source(3));
    const [shard] = stored.shards;
    const bytes = Uint8Array.from(await store.get(shard!.key));
    bytes[bytes.length - 1]! ^= 1;
    await store.put(shard!.key, bytes);
    await expect(loadModelWeights(store, stored)).rejects.toThrow(withCode('CHECKPOINT_CORRUPT'));
    const key = modelManifestKey(stored.modelId);
    await store.put(key, Buffer.from(canonicalJson({ ...stored, doLowerCase: false })));
    await expect(readModel(store, stored.modelId)).rejects.toThrow(/another model than its name/);
    const shards = [{ ...shard!, key: 'runs/other/secret' }];
    await store.put(key, Buffer.from(canonicalJson({ ...stored, shards })));
    await expect(readModel(store, stored.modelId)).rejects.toThrow(/runs\/other\/secret/);
  });
});

describe('the model to begin with', () => {
  it('is that of a name, which no other can have', async () => {
    const { store } = await startTestStore();
    const [first, second] = [
      await storeModel(store, source(3)),
      await storeModel(store, source(4)),
    ];
    await nameModel(store, 'bert', first.modelId);
    await nameModel(store, 'bert', first.modelId);
    await expect(nameModel(store, 'bert', second.modelId)).rejects.toThrow(
      withCode('CHECKPOINT_EXISTS'),
    );
    expect(await find(store, 'bert')).toEqual(first);
    expect(await find(store, 'bert', second.modelId)).toEqual(second);
  });

  it('is that of a checkpoint, and stays when the run goes', async () => {
    const { store } = await startTestStore();
    await storeRun(store, 2);
    await storeRun(store, 5);
    const stored = await find(store, 'run');
    expect(stored).toMatchObject({ origin: 'run run, step 5', model });
    expect(await find(store, 'run@5')).toEqual(stored);
    expect((await find(store, 'run@2')).modelId).not.toBe(stored.modelId);
    expect(await storeModel(store, source(5))).toEqual(stored);
    for (const { key } of await store.list('runs/')) await store.delete(key);
    expect(await loadModelWeights(store, stored)).toHaveProperty('size', testLayout.length);
    await expect(find(store, 'run')).rejects.toThrow(withCode('CHECKPOINT_NOT_FOUND'));
    expect(manifestKey(testLine, 5)).toContain('runs/run/');
  });

  it('is none for what names none', async () => {
    const { store } = await startTestStore();
    await storeRun(store, 2);
    await nameModel(store, 'bert', '1'.repeat(64));
    const cases = [
      ['nobody', 'CHECKPOINT_NOT_FOUND', /no model "nobody".*imported models: bert.*\.\/nobody/],
      ['run@3', 'CHECKPOINT_NOT_FOUND', /no checkpoint of step 3; it has 2/],
      ['./bert', 'CONFIG_INVALID', /berth import \.\/bert/],
      ['run@last', 'CONFIG_INVALID', /run@400/],
      ['Bert Base', 'CONFIG_INVALID', /is no folder/],
      ['a@1@2', 'CONFIG_INVALID', /is no folder/],
    ] as const;
    for (const [from, code, message] of cases) {
      const error: unknown = await find(store, from).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code, message: expect.stringMatching(message) as string });
    }
  });

  it('is listed with its names and size, and goes with all of them', async () => {
    const { store } = await startTestStore();
    const named = await storeModel(store, source(3));
    const nameless = await storeModel(store, source(4));
    await nameModel(store, 'bert', named.modelId);
    await nameModel(store, 'again', named.modelId);
    await store.put(`models/${'f'.repeat(64)}/vocab.txt`, vocabulary);
    const listed = await listModels(store);
    expect(listed.map(({ names, modelId }) => [names, modelId])).toEqual([
      [['again', 'bert'], named.modelId],
      ...[[[], nameless.modelId] as const, [[], 'f'.repeat(64)] as const].toSorted((a, b) =>
        a[1] < b[1] ? -1 : 1,
      ),
    ]);
    const [first, ...others] = listed;
    expect(first?.stored).toEqual(named);
    const objects = await store.list(`models/${named.modelId}/`);
    expect(first?.sizeBytes).toBe(objects.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0));
    expect(others.find(({ modelId }) => modelId.startsWith('ff'))?.stored).toBeUndefined();
    await removeModelName(store, 'again');
    expect(await modelOfName(store, 'bert')).toBe(named.modelId);
    for (const model of await listModels(store)) await removeModel(store, model);
    expect(await store.list('model')).toEqual([]);
  });
});
