import type { DocumentShard, ObjectStore } from '@berth/contracts';
import { readDocumentShard } from './read-dataset.ts';
import type { TokenDocuments } from './token-documents.ts';

/** Reads and verifies a document shard. */
export type ReadDocuments = (store: ObjectStore, part: DocumentShard) => Promise<TokenDocuments>;

/** Keeps open shards for whoever reads them again, those last read, in up to so much memory. */
export function createDocumentCache(maxBytes: number): ReadDocuments {
  const open = new Map<string, { readonly documents: TokenDocuments; readonly numBytes: number }>();
  let numBytesOpen = 0;
  return async (store, part) => {
    const known = open.get(part.sha256);
    if (known !== undefined) {
      // Least recently used first.
      open.delete(part.sha256);
      open.set(part.sha256, known);
      return known.documents;
    }
    const documents = await readDocumentShard(store, part);
    const { tokens, sentenceStarts, documentStarts } = documents;
    const numBytes = tokens.byteLength + sentenceStarts.byteLength + documentStarts.byteLength;
    open.set(part.sha256, { documents, numBytes });
    numBytesOpen += numBytes;
    for (const [sha256, oldest] of open) {
      if (numBytesOpen <= maxBytes) break;
      open.delete(sha256);
      numBytesOpen -= oldest.numBytes;
    }
    return documents;
  };
}
