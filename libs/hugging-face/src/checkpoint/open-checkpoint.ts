import {
  decodeSafetensors,
  floatsOf,
  readManifest,
  readPart,
  type SafetensorsFile,
} from '@berth/checkpoint';
import {
  BerthError,
  modelConfigSchema,
  readKnown,
  type CheckpointManifest,
  type CheckpointShard,
  type DatasetManifest,
  type ObjectStore,
  type ParameterSpec,
} from '@berth/contracts';
import { parseVocabulary, readDatasetManifest } from '@berth/data';
import { numParametersOf, parameterLayout, taskModels } from '@berth/model';
import type { ModelSource } from '../model-source.ts';

/** A checkpoint of a run, opened as a model: its weights are verified as they are read. */
export interface CheckpointSource extends ModelSource {
  readonly manifest: CheckpointManifest;
  readonly dataset: DatasetManifest;
}

/** Of a vocab.txt; the largest that is published has 2 MiB. */
const maxVocabularyBytes = 64 << 20;
/** What a file of weights may have besides its tensors. */
const maxOverheadBytes = 2 ** 24;

/**
 * Opens a checkpoint of the bucket, with the vocabulary of its run; nothing else is asked.
 * @throws BerthError `CHECKPOINT_CORRUPT` or `DATA_SHARD_CORRUPT` when it or its dataset is damaged, and what the store throws
 */
export async function openCheckpoint(
  store: ObjectStore,
  manifestKey: string,
): Promise<CheckpointSource> {
  const manifest = await readManifest(store, manifestKey);
  const { runId, step, datasetId, weightsDigest } = manifest;
  const where = `run ${runId}, step ${step}`;
  const reading = readKnown(modelConfigSchema, manifest.model);
  if (!reading.ok) throw damaged(where, `its model cannot be read (${reading.problem})`);
  const model = reading.value;
  const dataset = await readDatasetManifest(store, `datasets/${datasetId}/manifest.json`);
  const bytes = await readPart(store, dataset.vocabulary, { maxBytes: maxVocabularyBytes });
  const shards = manifest.shards.filter(({ kind }) => kind === 'weights');
  const stored = new Set(shards.flatMap(({ tensors }) => tensors));
  const layout = parameterLayout(model, taskModels.pretraining);
  const absent = layout.map(({ name }) => name).filter((name) => !stored.has(name));
  const lost = absent.find((name) => /^bert\/(embeddings|encoder)\//.test(name));
  if (lost !== undefined) throw damaged(where, `it lacks ${lost}`);
  return {
    where,
    model,
    vocabulary: parseVocabulary(bytes, dataset.vocabulary.key),
    doLowerCase: dataset.doLowerCase,
    layout,
    missing: new Set(absent),
    weightsDigest,
    read: shardReader(store, shards, { where, maxBytes: largestShard(layout) }),
    manifest,
    dataset,
  };
}

/** Reads parameters, one file in memory at a time. */
function shardReader(
  store: ObjectStore,
  shards: readonly CheckpointShard[],
  { where, maxBytes }: { readonly where: string; readonly maxBytes: number },
): ModelSource['read'] {
  const shardOf = new Map(shards.flatMap((shard) => shard.tensors.map((name) => [name, shard])));
  let open: { readonly key: string; readonly file: SafetensorsFile } | undefined;
  return async ({ name, shape }: ParameterSpec) => {
    const shard = shardOf.get(name);
    if (shard === undefined) throw damaged(where, `it lacks ${name}`);
    if (open?.key !== shard.key) {
      open = undefined;
      const bytes = await readPart(store, shard, { maxBytes });
      open = { key: shard.key, file: decodeSafetensors(bytes, shard.tensors.length) };
    }
    const tensor = open.file.tensors.get(name);
    const values = tensor && floatsOf(tensor);
    if (!(values instanceof Float32Array) || tensor?.shape.join() !== shape.join())
      throw damaged(where, `${name} should be F32 [${shape.join(', ')}]`);
    return values;
  };
}

/** All weights in one file. */
function largestShard(layout: readonly ParameterSpec[]): number {
  return Float32Array.BYTES_PER_ELEMENT * numParametersOf(layout) + maxOverheadBytes;
}

function damaged(where: string, why: string): BerthError {
  return new BerthError('CHECKPOINT_CORRUPT', `The checkpoint of ${where} is damaged: ${why}`);
}
