import {
  numDocumentsOf,
  startOfDocument,
  type TokenDocuments,
} from '../dataset/token-documents.ts';

/**
 * Documents of a shard of which some are forgotten: these keep their places and the lengths of their sentences, and their tokens
 * become those of the surviving documents behind them, in the order of the shard, going round. The order is that of hashes, so
 * what stands in a forgotten document's place follows from its hash and from what survives, whichever was forgotten first.
 * @param forgotten - places of documents, those forgotten earlier among them
 * @param fillerId - what takes their place where none survives
 */
export function withoutDocuments(
  documents: TokenDocuments,
  forgotten: ReadonlySet<number>,
  fillerId: number,
): TokenDocuments {
  const tokens = documents.tokens.subarray().slice();
  const numDocuments = numDocumentsOf(documents);
  const isEmpty = forgotten.size >= numDocuments;
  for (const document of forgotten) {
    const end = startOfDocument(documents, document + 1);
    let at = startOfDocument(documents, document);
    if (isEmpty) {
      tokens.fill(fillerId, at, end);
      continue;
    }
    for (let other = document; at < end;) {
      other = (other + 1) % numDocuments;
      if (forgotten.has(other)) continue;
      const from = startOfDocument(documents, other);
      const to = Math.min(startOfDocument(documents, other + 1), from + end - at);
      tokens.set(documents.tokens.subarray(from, to), at);
      at += to - from;
    }
  }
  return { ...documents, tokens };
}

/** The documents whose tokens are others in `after`, which has the same places and lengths. */
export function changedDocuments(before: TokenDocuments, after: TokenDocuments): Set<number> {
  const changed = new Set<number>();
  const [old, now] = [before.tokens.subarray(), after.tokens.subarray()];
  for (let document = 0; document < numDocumentsOf(before); document++) {
    const end = startOfDocument(before, document + 1);
    for (let at = startOfDocument(before, document); at < end; at++)
      if (old[at] !== now[at]) {
        changed.add(document);
        break;
      }
  }
  return changed;
}
