import {
  BerthError,
  anyDatasetSchema,
  heldOutShardsOf,
  readJson,
  type AnyDataset,
  type DatasetManifest,
  type DocumentShard,
  type LabelledDataset,
  type ObjectStore,
  type StoredPart,
} from '@berth/contracts';
import { exampleSetPrefix } from '../examples/example-keys.ts';
import { openDocumentShard } from './document-shard.ts';
import { getPart } from './stored-part.ts';
import type { TokenDocuments } from './token-documents.ts';

/** About 500 bytes a shard, of which each part of a corpus may have 16,384. */
const maxManifestBytes = 256 * 2 ** 20;

/**
 * Reads a manifest of either kind. Whatever it names lies in its own folder, labelled examples in that of their set.
 * @throws BerthError `DATA_SHARD_CORRUPT` when the object is no dataset manifest, and what the store throws
 */
export async function readAnyDataset(store: ObjectStore, key: string): Promise<AnyDataset> {
  const bytes = await store.get(key, { maxBytes: maxManifestBytes });
  const reading = readJson(anyDatasetSchema, new TextDecoder().decode(bytes));
  if (!reading.ok) throw noManifest(store, key, reading.problem);
  const found = reading.value;
  const folder = key.slice(0, key.lastIndexOf('/') + 1);
  const foreign = isLabelled(found)
    ? (notIn(folder, [found.vocabulary, found.heldOutRows]) ??
      notIn(exampleSetPrefix(found.exampleSetId), [...found.train, found.heldOut]))
    : notIn(folder, [
        found.vocabulary,
        found.tokenCounts,
        ...[...found.train, ...heldOutShardsOf(found)].flatMap((shard) => [shard, shard.names]),
      ]);
  if (foreign === undefined) return found;
  throw noManifest(store, key, `it names ${foreign.key}, which is not where it should be`);
}

/** Whether it is one of labelled examples. */
export function isLabelled(dataset: AnyDataset): dataset is LabelledDataset {
  return dataset.format === 'berth-labelled-dataset/1';
}

/** The manifest of a corpus. @throws BerthError as `readAnyDataset`, also for one of labelled examples */
export async function readDatasetManifest(
  store: ObjectStore,
  key: string,
): Promise<DatasetManifest> {
  const found = await readAnyDataset(store, key);
  if (!isLabelled(found)) return found;
  throw noManifest(store, key, 'it is one of labelled examples');
}

/** The manifest of labelled examples. @throws BerthError as `readAnyDataset`, also for one of a corpus */
export async function readLabelledDataset(
  store: ObjectStore,
  key: string,
): Promise<LabelledDataset> {
  const found = await readAnyDataset(store, key);
  if (isLabelled(found)) return found;
  throw noManifest(store, key, 'it is one of a corpus');
}

/** The first part that is not right in a folder. */
function notIn(folder: string, parts: readonly (StoredPart | undefined)[]): StoredPart | undefined {
  return parts.find((part) => part !== undefined && !isIn(folder, part.key));
}

/** Whether a key is that of an object right in a folder. */
function isIn(folder: string, key: string): boolean {
  const name = key.slice(folder.length);
  return key.startsWith(folder) && !name.includes('/') && !['', '.', '..'].includes(name);
}

function noManifest(store: ObjectStore, key: string, why: string): BerthError {
  return new BerthError(
    'DATA_SHARD_CORRUPT',
    `${key} in ${store.describe()} is no dataset manifest (${why}); delete it and prepare the dataset again`,
    { details: { key } },
  );
}

/** The vocab.txt of a dataset. @throws BerthError `DATA_SHARD_CORRUPT` when it is not the one that the manifest names */
export function readDatasetVocabulary(
  store: ObjectStore,
  { vocabulary }: Pick<DatasetManifest, 'vocabulary'>,
): Promise<Uint8Array> {
  return getPart(store, vocabulary);
}

/** @throws BerthError `DATA_SHARD_CORRUPT` when the shard is not the one the manifest names */
export async function readDocumentShard(
  store: ObjectStore,
  part: DocumentShard,
): Promise<TokenDocuments> {
  return openDocumentShard(await getPart(store, part), part.key);
}
