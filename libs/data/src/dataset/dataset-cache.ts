import type { DatasetManifest, DocumentShard, ObjectStore } from '@berth/contracts';
import type { KeepNumbers } from '../scratch/stretches.ts';
import { parseVocabulary, type Vocabulary } from '../text/vocabulary.ts';
import { readDatasetManifest, readDocumentShard } from './read-dataset.ts';
import { getPart } from './stored-part.ts';
import type { TokenDocuments } from './token-documents.ts';

/** Reads and verifies what examples are made of. */
export interface DatasetReader {
  readonly manifest: (store: ObjectStore, key: string) => Promise<DatasetManifest>;
  readonly vocabulary: (
    store: ObjectStore,
    part: DatasetManifest['vocabulary'],
  ) => Promise<Vocabulary>;
  readonly documents: (store: ObjectStore, part: DocumentShard) => Promise<TokenDocuments>;
}

/** Reads all of it each time. */
export const plainDatasetReader: DatasetReader = {
  manifest: readDatasetManifest,
  vocabulary: async (store, part) => parseVocabulary(await getPart(store, part), part.key),
  documents: readDocumentShard,
};

/**
 * Keeps what was read last for whoever reads it again: a manifest, a vocabulary, and open shards.
 * @param maxBytes - of the memory of shards: where sentences begin, and the tokens that are not kept elsewhere
 * @param keep - where tokens are kept, if not in memory
 */
export function createDatasetCache(maxBytes: number, keep?: KeepNumbers): DatasetReader {
  const { manifest, vocabulary, documents: read } = plainDatasetReader;
  const open = new Map<string, { readonly documents: TokenDocuments; readonly numBytes: number }>();
  let numBytesOpen = 0;
  return {
    manifest: keepLast(manifest, (key) => key),
    vocabulary: keepLast(vocabulary, ({ sha256 }) => sha256),
    async documents(store, part) {
      const known = open.get(part.sha256);
      if (known !== undefined) {
        // Least recently used first.
        open.delete(part.sha256);
        open.set(part.sha256, known);
        return known.documents;
      }
      const found = await read(store, part);
      const tokens = keep === undefined ? found.tokens : await keep(found.tokens);
      const documents = { ...found, tokens };
      const held = [tokens, found.sentenceStarts, found.documentStarts, found.hashes];
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
    },
  };
}

/** The reading, which is not done again while what is read is the same. */
function keepLast<Place, T>(
  read: (store: ObjectStore, place: Place) => Promise<T>,
  nameOf: (place: Place) => string,
): (store: ObjectStore, place: Place) => Promise<T> {
  let last: { readonly name: string; readonly value: T } | undefined;
  return async (store, place) => {
    const name = nameOf(place);
    last = last?.name === name ? last : { name, value: await read(store, place) };
    return last.value;
  };
}
