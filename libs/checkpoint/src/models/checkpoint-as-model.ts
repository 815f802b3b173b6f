import {
  anyDatasetSchema,
  heldOutShardsOf,
  modelConfigSchema,
  readJson,
  readKnown,
  type AnyDataset,
  type CheckpointManifest,
  type ObjectStore,
  type StoredPart,
} from '@berth/contracts';
import { readManifest } from '../manifest.ts';
import { corrupt, readPart } from '../stored-part.ts';
import { isRightIn } from './model-keys.ts';
import { maxVocabularyBytes } from './read-model.ts';
import { tensorReader, type TrainedModel } from './trained-model.ts';

/** A checkpoint, opened as a model. */
export interface CheckpointModel extends TrainedModel {
  readonly manifest: CheckpointManifest;
  /** It says what the model is fine-tuned for, if anything. */
  readonly dataset: AnyDataset;
  readonly weightsDigest: string;
}

/**
 * The weights of a checkpoint and the vocabulary of its dataset; from the bucket alone.
 * @throws BerthError `CHECKPOINT_CORRUPT` when it or its dataset cannot be read, and what the store throws
 */
export async function checkpointAsModel(
  store: ObjectStore,
  manifestKey: string,
): Promise<CheckpointModel> {
  const manifest = await readManifest(store, manifestKey);
  const { runId, step, datasetId, weightsDigest } = manifest;
  const architecture = readKnown(modelConfigSchema, manifest.model);
  if (!architecture.ok)
    throw corrupt(store, manifestKey, `its model cannot be read (${architecture.problem})`);
  const dataset = await readDataset(store, datasetId);
  const { vocabulary, doLowerCase } = dataset;
  const shards = manifest.shards
    .filter(({ kind }) => kind === 'weights')
    .toSorted((a, b) => a.index - b.index);
  return {
    where: `run ${runId}, step ${step}`,
    model: architecture.value,
    doLowerCase,
    ...('fineTuning' in dataset && { fineTuning: dataset.fineTuning }),
    vocabulary: {
      bytes: await readPart(store, vocabulary, { maxBytes: maxVocabularyBytes }),
      numTokens: vocabulary.numTokens,
    },
    parameters: shards.flatMap(({ tensors }) => tensors),
    read: tensorReader(store, shards),
    weightsDigest,
    manifest,
    dataset,
  };
}

async function readDataset(store: ObjectStore, datasetId: string): Promise<AnyDataset> {
  const folder = `datasets/${datasetId}/`;
  const key = `${folder}manifest.json`;
  const reading = readJson(anyDatasetSchema, new TextDecoder().decode(await store.get(key)));
  if (!reading.ok) throw corrupt(store, key, `it is no dataset manifest (${reading.problem})`);
  const dataset = reading.value;
  const foreign =
    'fineTuning' in dataset
      ? (notIn(folder, [dataset.vocabulary, dataset.heldOutRows]) ??
        notIn(`examples/${dataset.exampleSetId}/`, [...dataset.train, dataset.heldOut]))
      : notIn(folder, [
          dataset.vocabulary,
          dataset.tokenCounts,
          ...[...dataset.train, ...heldOutShardsOf(dataset)].flatMap((shard) => [
            shard,
            shard.names,
          ]),
        ]);
  if (foreign === undefined) return dataset;
  throw corrupt(store, key, `it names ${foreign.key}, which is not where it should be`);
}

/** The first part that is not right in a folder. */
function notIn(folder: string, parts: readonly (StoredPart | undefined)[]): StoredPart | undefined {
  return parts.find((part) => part !== undefined && !isRightIn(folder, part.key));
}
