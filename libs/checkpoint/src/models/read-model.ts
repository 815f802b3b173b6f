import { createHash } from 'node:crypto';
import {
  BerthError,
  readJson,
  storedModelId,
  storedModelSchema,
  type ObjectStore,
  type StoredModel,
} from '@berth/contracts';
import { decodeSafetensors, floatsOf, maxHeaderBytes } from '../safetensors.ts';
import { corrupt, readPart } from '../stored-part.ts';
import { isRightIn, modelManifestKey, modelPrefix } from './model-keys.ts';
import { tensorReader, type ParameterValues, type TrainedModel } from './trained-model.ts';

/**
 * What is known of a stored model; its parts are not looked at.
 * @throws BerthError `CHECKPOINT_NOT_FOUND` when there is none, `CHECKPOINT_CORRUPT` when it is not what its name says, and what the
 * store throws
 */
export async function readModel(store: ObjectStore, modelId: string): Promise<StoredModel> {
  const key = modelManifestKey(modelId);
  if ((await store.head(key)) === undefined)
    throw new BerthError(
      'CHECKPOINT_NOT_FOUND',
      `There is no model ${modelId} in ${store.describe()}; import its folder with \`berth import DIR\``,
      { details: { key } },
    );
  const reading = readJson(storedModelSchema, new TextDecoder().decode(await store.get(key)));
  if (!reading.ok) throw corrupt(store, key, `it is no model (${reading.problem})`);
  const model = reading.value;
  if (model.modelId !== modelId || storedModelId(model) !== modelId)
    throw corrupt(store, key, 'it is another model than its name says');
  const foreign = [model.vocabulary, ...model.shards].find(
    (part) => !isRightIn(modelPrefix(modelId), part.key),
  );
  if (foreign === undefined) return model;
  throw corrupt(store, key, `it names ${foreign.key}, which is not beside it`);
}

/** The vocab.txt of a stored model. @throws BerthError `CHECKPOINT_CORRUPT`, and what the store throws */
export function readModelVocabulary(store: ObjectStore, model: StoredModel): Promise<Uint8Array> {
  return readPart(store, model.vocabulary, { maxBytes: maxVocabularyBytes });
}

/** A stored model, opened: its weights are verified as they are read. @throws BerthError as `readModelVocabulary` */
export async function openModel(store: ObjectStore, stored: StoredModel): Promise<TrainedModel> {
  const { modelId, model, doLowerCase, fineTuning, vocabulary, tensors, shards, weightsDigest } =
    stored;
  return {
    where: `model ${modelId.slice(0, 12)}`,
    model,
    doLowerCase,
    ...(fineTuning && { fineTuning }),
    vocabulary: {
      bytes: await readModelVocabulary(store, stored),
      numTokens: vocabulary.numTokens,
    },
    parameters: tensors,
    read: tensorReader(store, shards),
    weightsDigest,
  };
}

/** Of a vocab.txt; the largest that is published has 2 MiB. */
export const maxVocabularyBytes = 64 << 20;

/**
 * All weights of a stored model by Google's names, verified: size and SHA-256 of every part, every rule of its files, and the
 * digest of all.
 * @throws BerthError `CHECKPOINT_CORRUPT`, and what the store throws
 */
export async function loadModelWeights(
  store: ObjectStore,
  model: StoredModel,
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): Promise<Map<string, ParameterValues>> {
  const weights = new Map<string, ParameterValues>();
  const hash = createHash('sha256');
  for (const shard of model.shards) {
    const maxBytes = maxShardBytes + maxHeaderBytes(shard.tensors.length);
    const { tensors } = decodeSafetensors(
      await readPart(store, shard, { maxBytes, signal }),
      shard.tensors.length,
    );
    for (const name of shard.tensors) {
      const tensor = tensors.get(name);
      const values = tensor && floatsOf(tensor);
      if (!(values instanceof Float32Array))
        throw corrupt(store, shard.key, `it lacks the tensor ${name}`);
      hash.update(tensor!.bytes);
      weights.set(name, { shape: tensor!.shape, values });
    }
  }
  const isWhole = [...weights.keys()].join() === model.tensors.join();
  if (isWhole && hash.digest('hex') === model.weightsDigest) return weights;
  throw corrupt(store, modelManifestKey(model.modelId), 'its weights are not those that it names');
}

/** One tensor can be larger than a file is cut to: a word table of 65,535 rows of 32,768. */
const maxShardBytes = 65_536 * 2 ** 15 * 4;
