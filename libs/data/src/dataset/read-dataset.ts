import {
  BerthError,
  datasetManifestSchema,
  readJson,
  type DatasetManifest,
  type DocumentShard,
  type ObjectStore,
} from '@berth/contracts';
import { openDocumentShard } from './document-shard.ts';
import { getPart } from './stored-part.ts';
import type { TokenDocuments } from './token-documents.ts';

/**
 * Reads a manifest. Whatever it names lies in its own folder.
 * @throws BerthError `DATA_SHARD_CORRUPT` when the object is no dataset manifest, and what the store throws
 */
export async function readDatasetManifest(
  store: ObjectStore,
  key: string,
): Promise<DatasetManifest> {
  const bytes = await store.get(key);
  const reading = readJson(datasetManifestSchema, new TextDecoder().decode(bytes));
  if (!reading.ok) throw noManifest(store, key, reading.problem);
  const { vocabulary, tokenCounts, train, heldOut } = reading.value;
  const folder = key.slice(0, key.lastIndexOf('/') + 1);
  const foreign = [vocabulary, tokenCounts, ...train, heldOut].find(
    (part) => part !== undefined && !isIn(folder, part.key),
  );
  if (foreign === undefined) return reading.value;
  throw noManifest(store, key, `it names ${foreign.key}, which is not beside it`);
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
  { vocabulary }: DatasetManifest,
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
