import {
  BerthError,
  documentHashSchema,
  heldOutShardsOf,
  type DatasetManifest,
  type DocumentShard,
  type ObjectStore,
} from '@berth/contracts';
import { readDocumentNames } from '../dataset/document-names.ts';
import { readDocumentShard } from '../dataset/read-dataset.ts';
import { hashOfDocument, numDocumentsOf, startOfDocument } from '../dataset/token-documents.ts';

/** A document of a dataset. */
export interface FoundDocument {
  readonly hash: string;
  readonly name: string | null;
  readonly split: 'train' | 'heldOut';
  readonly shard: number;
  readonly document: number;
  readonly numTokens: number;
}

/**
 * Finds documents by hash or name, whole; several may have one name. Reads the whole dataset, a shard at a time.
 * @throws BerthError `DATA_MISMATCH` for a dataset without hashes, `DATA_DOCUMENT_NOT_FOUND` when something names none
 */
export async function findDocuments(
  store: ObjectStore,
  manifest: DatasetManifest,
  wanted: ReadonlySet<string>,
): Promise<FoundDocument[]> {
  requireHashes(manifest);
  const found: FoundDocument[] = [];
  for (const { split, shard, part } of shardsOfDataset(manifest)) {
    const documents = await readDocumentShard(store, part);
    const names = await readDocumentNames(store, part);
    for (let document = 0; document < numDocumentsOf(documents); document++) {
      const hash = hashOfDocument(documents, document)!;
      const name = names?.[document] ?? null;
      if (!wanted.has(hash) && (name === null || !wanted.has(name))) continue;
      const numTokens =
        startOfDocument(documents, document + 1) - startOfDocument(documents, document);
      found.push({ hash, name, split, shard, document, numTokens });
    }
  }
  const known = new Set(found.flatMap(({ hash, name }) => [hash, name]));
  const missing = [...wanted].filter((text) => !known.has(text));
  if (missing.length === 0) return found;
  const [first = ''] = missing;
  const what = documentHashSchema.safeParse(first).success ? 'hash' : 'name';
  throw new BerthError(
    'DATA_DOCUMENT_NOT_FOUND',
    `No document of the dataset has the ${what} ${first}` +
      (missing.length > 1 ? `, nor ${missing.length - 1} others that were named` : '') +
      '; a document is named by its id field, or by its file and line, or by its hash, as `berth data inspect` and `berth replay` show them',
  );
}

/** @throws BerthError `DATA_MISMATCH` for a dataset of an earlier format, in which a document is known by its place alone */
export function requireHashes({ format, datasetId }: DatasetManifest): void {
  if (format === 'berth-dataset/3') return;
  throw new BerthError(
    'DATA_MISMATCH',
    `Dataset ${datasetId.slice(0, 12)} is of ${format}, which does not name its documents: prepare it anew (another run ` +
      'name, this release) to have documents that can be forgotten',
  );
}

/** All shards of a dataset: those that train, then those held out. */
export function shardsOfDataset(manifest: DatasetManifest): readonly {
  readonly split: 'train' | 'heldOut';
  readonly shard: number;
  readonly part: DocumentShard;
}[] {
  return [
    ...manifest.train.map((part, shard) => ({ split: 'train', shard, part }) as const),
    ...heldOutShardsOf(manifest).map((part, shard) => ({ split: 'heldOut', shard, part }) as const),
  ];
}
