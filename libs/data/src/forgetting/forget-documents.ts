import {
  BerthError,
  canonicalJson,
  digestOf,
  maxTombstones,
  sha256Hex,
  type DatasetManifest,
  type DocumentShard,
  type ObjectStore,
  type StoredPart,
} from '@berth/contracts';
import { putNamedDocuments, readNamedDocuments } from '../dataset/document-names.ts';
import { openDocumentShard, withTokens } from '../dataset/document-shard.ts';
import { readDatasetManifest } from '../dataset/read-dataset.ts';
import { getPart, putPart } from '../dataset/stored-part.ts';
import { readTextStatistics, serializeTokenCounts } from '../dataset/text-statistics.ts';
import {
  hashOfDocument,
  numDocumentsOf,
  type TokenDocuments,
  type TokenIds,
} from '../dataset/token-documents.ts';
import { manifestKeyOf } from '../preparation/keys.ts';
import { parseVocabulary } from '../text/vocabulary.ts';
import { requireHashes, shardsOfDataset } from './find-documents.ts';
import { withoutDocuments } from './replace-documents.ts';

/** The identity of what forgetting documents makes of a dataset: the same whether they are forgotten at once or one by one. */
export function forgottenDatasetId(
  manifest: Pick<DatasetManifest, 'datasetId' | 'forgotten'>,
  hashes: Iterable<string>,
): { readonly datasetId: string; readonly forgotten: NonNullable<DatasetManifest['forgotten']> } {
  const of = manifest.forgotten?.datasetId ?? manifest.datasetId;
  const tombstones = [...new Set([...(manifest.forgotten?.tombstones ?? []), ...hashes])].sort();
  if (tombstones.length > maxTombstones)
    throw new BerthError(
      'DATA_MISMATCH',
      `${tombstones.length} documents would be forgotten; a dataset can forget ${maxTombstones}: take them out of the corpus and prepare it anew`,
    );
  const forgotten = { datasetId: of, tombstones };
  return { datasetId: digestOf({ format: 'berth-forgotten/1', ...forgotten }), forgotten };
}

/** Places of the documents of a shard that have one of these hashes. */
export function placesOf(documents: TokenDocuments, hashes: ReadonlySet<string>): Set<number> {
  const places = new Set<number>();
  for (let document = 0; document < numDocumentsOf(documents); document++)
    if (hashes.has(hashOfDocument(documents, document) ?? '')) places.add(document);
  return places;
}

/**
 * Makes the dataset without some documents: another dataset, in which they keep their places, hashes and lengths, and have
 * tokens of surviving documents of their shard. All else is copied as it is. It may be done twice: the same dataset.
 * @returns the key of its manifest
 * @throws BerthError `DATA_MISMATCH` for a dataset of an earlier format, `DATA_SHARD_CORRUPT` when a part does not verify
 */
export async function forgetDocuments(
  store: ObjectStore,
  manifestKey: string,
  hashes: Iterable<string>,
): Promise<string> {
  const manifest = await readDatasetManifest(store, manifestKey);
  requireHashes(manifest);
  const { datasetId, forgotten } = forgottenDatasetId(manifest, hashes);
  const madeKey = manifestKeyOf(datasetId);
  if ((await store.head(madeKey)) !== undefined) return madeKey;
  const folder = madeKey.slice(0, madeKey.lastIndexOf('/'));
  const tombstones = new Set(forgotten.tombstones);
  const { unkId } = parseVocabulary(await getPart(store, manifest.vocabulary), manifestKey);
  const statistics = await readTextStatistics(store, manifest);
  const counts = statistics && Float64Array.from(statistics.tokenCounts);

  const copy = async <Part extends StoredPart>(part: Part): Promise<Part> => {
    const name = part.key.slice(part.key.lastIndexOf('/'));
    return { ...part, ...(await putPart(store, folder + name, await getPart(store, part))) };
  };
  const made = { train: [] as DocumentShard[], heldOut: [] as DocumentShard[] };
  for (const { split, part } of shardsOfDataset(manifest)) {
    const bytes = await getPart(store, part);
    const before = openDocumentShard(bytes, part.key);
    const places = placesOf(before, tombstones);
    const after = places.size === 0 ? before : withoutDocuments(before, places, unkId);
    if (split === 'train' && counts !== undefined)
      recount(counts, before.tokens.subarray(), after.tokens.subarray());
    const replaced = places.size === 0 ? bytes : withTokens(bytes, after);
    const name = part.key
      .slice(part.key.lastIndexOf('/'))
      .replace(/-[0-9a-f]{16}\./, `-${sha256Hex(replaced).slice(0, 16)}.`);
    const names = await namesWithout(store, part, places, folder + name);
    made[split].push({
      ...part,
      ...(await putPart(store, folder + name, replaced)),
      ...(names && { names }),
    });
  }
  const { heldOut, heldOutShards, tokenCounts, corpusFiles, vocabulary } = manifest;
  const without: DatasetManifest = {
    ...manifest,
    datasetId,
    forgotten,
    vocabulary: await copy(vocabulary),
    ...(corpusFiles && { corpusFiles: await copy(corpusFiles) }),
    ...(tokenCounts &&
      counts && {
        tokenCounts: await putPart(
          store,
          `${folder}/token-counts.json`,
          serializeTokenCounts(counts),
        ),
      }),
    train: made.train,
    ...(heldOut && { heldOut: made.heldOut[0] }),
    ...(heldOutShards && { heldOutShards: made.heldOut }),
  };
  await putPart(store, madeKey, new TextEncoder().encode(canonicalJson(without)));
  return madeKey;
}

/** Forgotten documents have no names, and keep their places. */
async function namesWithout(
  store: ObjectStore,
  part: DocumentShard,
  places: ReadonlySet<number>,
  shardKey: string,
): Promise<StoredPart | undefined> {
  const named = await readNamedDocuments(store, part);
  if (named === undefined) return undefined;
  const kept = named.map((one, document) => (places.has(document) ? { ...one, name: null } : one));
  return putNamedDocuments(store, `${shardKey}.names`, kept);
}

function recount(counts: Float64Array, before: TokenIds, after: TokenIds): void {
  for (let at = 0; at < before.length; at++) {
    if (before[at] === after[at]) continue;
    counts[before[at]!]! -= 1;
    counts[after[at]!]! += 1;
  }
}
