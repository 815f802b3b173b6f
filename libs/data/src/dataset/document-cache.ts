import type { DocumentShard, ObjectStore } from '@berth/contracts';
import type { KeepNumbers } from '../scratch/stretches.ts';
import { readDocumentShard } from './read-dataset.ts';
import type { TokenDocuments } from './token-documents.ts';

/** Reads and verifies a document shard. */
export type ReadDocuments = (store: ObjectStore, part: DocumentShard) => Promise<TokenDocuments>;

/**
 * Keeps open shards for whoever reads them again, those last read.
 * @param maxBytes - of memory: where sentences begin, and the tokens that are not kept elsewhere
 * @param keep - where tokens are kept, if not in memory
 */
export function createDocumentCache(maxBytes: number, keep?: KeepNumbers): ReadDocuments {
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
    const read = await readDocumentShard(store, part);
    const tokens = keep === undefined ? read.tokens : await keep(read.tokens);
    const documents = { ...read, tokens };
    const held = [tokens, read.sentenceStarts, read.documentStarts, read.hashes];
    const numBytes = held.reduce(
      (sum, one) => sum + (ArrayBuffer.isView(one) ? one.byteLength : 0),
      0,
    );
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
