import type { DatasetManifest, ObjectStore } from '@berth/contracts';
import { createDatasetCache, type DatasetReader } from '../dataset/dataset-cache.ts';
import { readDocumentShard } from '../dataset/read-dataset.ts';
import { getPart } from '../dataset/stored-part.ts';
import { parseVocabulary } from '../text/vocabulary.ts';
import type { DocumentPlaces } from './first-use.ts';
import { forgottenDatasetId, placesOf } from './forget-documents.ts';
import { changedDocuments, withoutDocuments } from './replace-documents.ts';

/** What forgetting documents changes in a dataset, before anything is stored. */
export interface DocumentsToForget {
  /** Training documents whose tokens become others: those named, and those forgotten earlier that had some of theirs. */
  readonly places: DocumentPlaces;
  readonly before: DatasetReader;
  readonly after: DatasetReader;
}

/** Shards that are kept open, of before and of after. */
const maxOpenBytes = 2 ** 27;

/**
 * Looks through the training shards of a dataset for what changes without some documents.
 * @throws BerthError `DATA_SHARD_CORRUPT` when a part does not verify
 */
export async function createForgetting(
  store: ObjectStore,
  manifest: DatasetManifest,
  hashes: readonly string[],
): Promise<DocumentsToForget> {
  const named = new Set(hashes);
  const tombstones = new Set(forgottenDatasetId(manifest, hashes).forgotten.tombstones);
  const { unkId } = parseVocabulary(await getPart(store, manifest.vocabulary), 'vocab.txt');
  const places = new Map<number, ReadonlySet<number>>();
  for (const [shard, part] of manifest.train.entries()) {
    const before = await readDocumentShard(store, part);
    const forgotten = placesOf(before, tombstones);
    if (forgotten.size === 0) continue;
    const after = withoutDocuments(before, forgotten, unkId);
    const changed = new Set([...changedDocuments(before, after), ...placesOf(before, named)]);
    if (changed.size > 0) places.set(shard, changed);
  }
  const shardOf = new Map(manifest.train.map(({ key }, shard) => [key, shard]));
  const reader = createDatasetCache(maxOpenBytes);
  return {
    places,
    before: reader,
    after: {
      ...reader,
      async documents(of, part) {
        const documents = await reader.documents(of, part);
        if (!places.has(shardOf.get(part.key) ?? -1)) return documents;
        return withoutDocuments(documents, placesOf(documents, tombstones), unkId);
      },
    },
  };
}
