import type { DocumentShard, ObjectStore } from '@berth/contracts';
import { openDocumentBeginning } from '../dataset/document-shard.ts';
import { readDocumentShard } from '../dataset/read-dataset.ts';
import { numDocumentsOf, type TokenDocuments } from '../dataset/token-documents.ts';

/** As many documents of a shard as a number of bytes holds. */
export interface ShardSample {
  readonly documents: TokenDocuments;
  /** All of it was read, so that its digest was verified. */
  readonly isWhole: boolean;
}

/**
 * Reads a shard or, where it is larger than so many bytes, the documents at its beginning; at least one, in up to sixteen times that.
 * @throws BerthError `DATA_SHARD_CORRUPT`, and what the store throws
 */
export async function sampleShard(
  store: ObjectStore,
  part: DocumentShard,
  maxBytes: number,
): Promise<ShardSample> {
  for (let numBytes = maxBytes; numBytes <= 16 * maxBytes; numBytes *= 4) {
    if (part.sizeBytes <= numBytes)
      return { documents: await readDocumentShard(store, part), isWhole: true };
    const bytes = await store.get(part.key, { range: [0, numBytes], maxBytes: numBytes });
    const documents = openDocumentBeginning(bytes, part.key);
    if (numDocumentsOf(documents) > 0) return { documents, isWhole: false };
  }
  return { documents: emptyDocuments, isWhole: false };
}

const emptyDocuments: TokenDocuments = {
  tokens: new Uint16Array(0),
  sentenceStarts: new Uint32Array(1),
  documentStarts: new Uint32Array(1),
};
