import {
  datasetManifestSchema,
  modelConfigSchema,
  readJson,
  readKnown,
  type CheckpointManifest,
  type CheckpointShard,
  type ObjectStore,
} from '@berth/contracts';
import { decodeSafetensors, floatsOf, maxHeaderBytes } from '../safetensors.ts';
import { corrupt, readPart } from '../stored-part.ts';
import { maxVocabularyBytes } from './read-model.ts';
import type { ModelToStore, ParameterValues } from './store-model.ts';

/**
 * The weights of a checkpoint and the vocabulary of its dataset, to be stored as a model.
 * @throws BerthError `CHECKPOINT_CORRUPT` when its model or dataset cannot be read, and what the store throws
 */
export async function checkpointAsModel(
  store: ObjectStore,
  manifestKey: string,
  manifest: CheckpointManifest,
): Promise<ModelToStore> {
  const { runId, step, datasetId, weightsDigest } = manifest;
  const architecture = readKnown(modelConfigSchema, manifest.model);
  if (!architecture.ok)
    throw corrupt(store, manifestKey, `its model cannot be read (${architecture.problem})`);
  const datasetKey = `datasets/${datasetId}/manifest.json`;
  const dataset = readJson(
    datasetManifestSchema,
    new TextDecoder().decode(await store.get(datasetKey)),
  );
  if (!dataset.ok)
    throw corrupt(store, datasetKey, `it is no dataset manifest (${dataset.problem})`);
  const { vocabulary, doLowerCase } = dataset.value;
  if (!vocabulary.key.startsWith(`datasets/${datasetId}/`))
    throw corrupt(store, datasetKey, `it names ${vocabulary.key}, which is not beside it`);
  const shards = manifest.shards
    .filter(({ kind }) => kind === 'weights')
    .toSorted((a, b) => a.index - b.index);
  const reader = shardReader(store, shards);
  return {
    where: `step ${step} of ${runId}`,
    model: architecture.value,
    doLowerCase,
    vocabulary: {
      bytes: await readPart(store, vocabulary, { maxBytes: maxVocabularyBytes }),
      numTokens: vocabulary.numTokens,
    },
    parameters: shards.flatMap(({ tensors }) => tensors),
    read: reader,
    weightsDigest,
  };
}

/** Reads tensors in order, one file in memory at a time. */
function shardReader(
  store: ObjectStore,
  shards: readonly CheckpointShard[],
): (parameter: string) => Promise<ParameterValues> {
  let open:
    { readonly key: string; readonly tensors: ReturnType<typeof decodeSafetensors> } | undefined;
  return async (parameter) => {
    const shard = shards.find(({ tensors }) => tensors.includes(parameter));
    if (shard === undefined) throw corrupt(store, parameter, 'no part of the checkpoint has it');
    if (open?.key !== shard.key) {
      const maxBytes = shard.sizeBytes + maxHeaderBytes(shard.tensors.length);
      const bytes = await readPart(store, shard, { maxBytes });
      open = { key: shard.key, tensors: decodeSafetensors(bytes, shard.tensors.length) };
    }
    const tensor = open.tensors.tensors.get(parameter);
    const values = tensor && floatsOf(tensor);
    if (!tensor || !(values instanceof Float32Array))
      throw corrupt(store, shard.key, `it lacks the tensor ${parameter}`);
    return { shape: tensor.shape, values };
  };
}
