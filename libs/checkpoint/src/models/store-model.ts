import { createHash } from 'node:crypto';
import {
  canonicalJson,
  storedModelId,
  type ObjectStore,
  type StoredModel,
  type StoredPart,
} from '@berth/contracts';
import { sha256InTurns } from '../digest.ts';
import { sizeOf } from '../object-body.ts';
import { floatTensor, safetensorsPieces, type SafeTensor } from '../safetensors.ts';
import { corrupt } from '../stored-part.ts';
import { modelManifestKey, modelPrefix } from './model-keys.ts';
import { readModel } from './read-model.ts';
import type { TrainedModel } from './trained-model.ts';

/** A file of the weights holds so much at most, or one tensor. */
const shardBytes = 64 << 20;

/**
 * Stores a model under the SHA-256 of what it is; one that is there already stays as it is.
 * @throws BerthError what reading it throws, `CHECKPOINT_CORRUPT` when it changes meanwhile, and what the store throws
 */
export async function storeModel(
  store: ObjectStore,
  source: TrainedModel,
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<StoredModel> {
  const { model, doLowerCase, fineTuning, parameters, where } = source;
  const { bytes, numTokens } = source.vocabulary;
  const vocabulary = { sizeBytes: bytes.byteLength, sha256: await sha256InTurns(bytes) };
  const weightsDigest = source.weightsDigest ?? (await digestOfWeights(source));
  const tensors = [...parameters];
  const identity = {
    model,
    doLowerCase,
    ...(fineTuning && { fineTuning }),
    vocabulary,
    weightsDigest,
    tensors,
  };
  const modelId = storedModelId(identity);
  const manifestKey = modelManifestKey(modelId);
  if ((await store.head(manifestKey)) !== undefined) return readModel(store, modelId);

  const options = signal === undefined ? {} : { signal };
  const vocabularyKey = `${modelPrefix(modelId)}vocab.txt`;
  await store.put(vocabularyKey, bytes, options);
  const hash = createHash('sha256');
  const shards: StoredModel['shards'] = [];
  for await (const group of groupsOf(source)) {
    for (const { bytes: values } of group) hash.update(values);
    shards.push({
      ...(await putShard(store, `${modelPrefix(modelId)}weights-${shards.length}`, group, options)),
      tensors: group.map(({ name }) => name),
    });
  }
  if (hash.digest('hex') !== weightsDigest)
    throw corrupt(store, where, 'its weights changed while they were read');
  const manifest: StoredModel = {
    format: 'berth-model/1',
    modelId,
    model,
    doLowerCase,
    ...(fineTuning && { fineTuning }),
    vocabulary: { key: vocabularyKey, ...vocabulary, numTokens },
    weightsDigest,
    tensors,
    shards,
    origin: where,
  };
  const text = new TextEncoder().encode(canonicalJson(manifest));
  const written = await store.put(manifestKey, text, { ifAbsent: true, ...options });
  // Somebody has stored the same model meanwhile, from elsewhere perhaps.
  return written === 'written' ? manifest : readModel(store, modelId);
}

async function digestOfWeights(source: TrainedModel): Promise<string> {
  const hash = createHash('sha256');
  for (const name of source.parameters) hash.update(bytesOf((await source.read(name)).values));
  return hash.digest('hex');
}

/** The tensors in order, as many at a time as go into one file. */
async function* groupsOf(source: TrainedModel): AsyncGenerator<SafeTensor[]> {
  let group: SafeTensor[] = [];
  let sizeBytes = 0;
  for (const name of source.parameters) {
    const { shape, values } = await source.read(name);
    if (group.length > 0 && sizeBytes + values.byteLength > shardBytes) {
      yield group;
      [group, sizeBytes] = [[], 0];
    }
    group.push(floatTensor(name, shape, values));
    sizeBytes += values.byteLength;
  }
  yield group;
}

async function putShard(
  store: ObjectStore,
  name: string,
  tensors: readonly SafeTensor[],
  options: { readonly signal?: AbortSignal },
): Promise<StoredPart> {
  const body = safetensorsPieces(tensors);
  const sha256 = await sha256InTurns(body);
  const key = `${name}-${sha256.slice(0, 16)}.safetensors`;
  await store.put(key, body, { ...options, sha256 });
  return { key, sizeBytes: sizeOf(body), sha256 };
}

function bytesOf(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
