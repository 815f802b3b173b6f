import {
  isBerthError,
  modelNameSchema,
  readJson,
  type ObjectStore,
  type StoredModel,
} from '@berth/contracts';
import { mapConcurrently } from '../map-concurrently.ts';
import { corrupt, isDamage } from '../stored-part.ts';
import {
  modelManifestKey,
  modelNameKey,
  modelNamesPrefix,
  modelPrefix,
  modelsPrefix,
} from './model-keys.ts';
import { readModel } from './read-model.ts';

/** A model of the bucket. */
export interface ListedModel {
  readonly modelId: string;
  /** Those that it was imported under; none for one that came with a run file. */
  readonly names: readonly string[];
  readonly sizeBytes: number;
  /** Undefined for one that was never stored whole, or is damaged. */
  readonly stored: StoredModel | undefined;
}

const numAtOnce = 8;

/** All models of the bucket, those with names first. @throws what the store throws */
export async function listModels(store: ObjectStore): Promise<ListedModel[]> {
  const [objects, names] = await Promise.all([store.list(modelsPrefix), namesByModel(store)]);
  const sizes = new Map<string, number>([...names.keys()].map((modelId) => [modelId, 0]));
  for (const { key, sizeBytes } of objects) {
    const [modelId = ''] = key.slice(modelsPrefix.length).split('/');
    sizes.set(modelId, (sizes.get(modelId) ?? 0) + sizeBytes);
  }
  const models = await mapConcurrently([...sizes], numAtOnce, async ([modelId, sizeBytes]) => ({
    modelId,
    names: (names.get(modelId) ?? []).toSorted(),
    sizeBytes,
    stored: await readModel(store, modelId).catch(unlessUnreachable),
  }));
  const sortKey = ({ names: [name], modelId }: ListedModel): string =>
    name === undefined ? `1${modelId}` : `0${name}`;
  return models.toSorted((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1));
}

/** The SHA-256 of the model of a name; undefined when no model has it. */
export async function modelOfName(store: ObjectStore, name: string): Promise<string | undefined> {
  const key = modelNameKey(name);
  if ((await store.head(key)) === undefined) return undefined;
  const reading = readJson(modelNameSchema, new TextDecoder().decode(await store.get(key)));
  if (reading.ok) return reading.value.modelId;
  throw corrupt(store, key, `it is no name of a model (${reading.problem})`);
}

/** Takes a name from its model, which stays. @throws what the store throws */
export async function removeModelName(store: ObjectStore, name: string): Promise<void> {
  await store.delete(modelNameKey(name));
}

/**
 * Removes a model with its names; broken off, the same call goes on. Whether a run needs it is the caller's to know.
 * @throws what the store throws
 */
export async function removeModel(
  store: ObjectStore,
  { modelId, names }: Pick<ListedModel, 'modelId' | 'names'>,
): Promise<void> {
  for (const name of names) await removeModelName(store, name);
  // Without its manifest it is none.
  await store.delete(modelManifestKey(modelId));
  const objects = await store.list(modelPrefix(modelId));
  await mapConcurrently(objects, numAtOnce, ({ key }) => store.delete(key));
}

async function namesByModel(store: ObjectStore): Promise<Map<string, string[]>> {
  const byModel = new Map<string, string[]>();
  for (const name of await listModelNames(store)) {
    const modelId = await modelOfName(store, name);
    if (modelId !== undefined) byModel.set(modelId, [...(byModel.get(modelId) ?? []), name]);
  }
  return byModel;
}

/** The names of imported models. */
export async function listModelNames(store: ObjectStore): Promise<string[]> {
  const objects = await store.list(modelNamesPrefix);
  return objects.map(({ key }) => key.slice(modelNamesPrefix.length).replace(/\.json$/, ''));
}

/** @throws an error that says nothing of what is stored */
function unlessUnreachable(error: unknown): undefined {
  const isOfModel =
    isBerthError(error) && ['CHECKPOINT_NOT_FOUND', 'CHECKPOINT_CORRUPT'].includes(error.code);
  if (!isOfModel && !isDamage(error)) throw error;
  return undefined;
}
