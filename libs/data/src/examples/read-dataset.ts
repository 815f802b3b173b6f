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

/** @throws BerthError `DATA_SHARD_CORRUPT` when the object is no dataset manifest */
export async function readDatasetManifest(
  store: ObjectStore,
  key: string,
): Promise<DatasetManifest> {
  const bytes = await store.get(key);
  const reading = readJson(datasetManifestSchema, new TextDecoder().decode(bytes));
  if (reading.ok) return reading.value;
  throw new BerthError(
    'DATA_SHARD_CORRUPT',
    `${key} in ${store.describe()} is no dataset manifest (${reading.problem}); delete it and prepare the dataset again`,
    { details: { key } },
  );
}

/** @throws BerthError `DATA_SHARD_CORRUPT` when the shard is not the one the manifest names */
export async function readDocumentShard(
  store: ObjectStore,
  part: DocumentShard,
): Promise<TokenDocuments> {
  return openDocumentShard(await getPart(store, part), part.key);
}
