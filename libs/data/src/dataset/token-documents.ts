/** Tokenised documents, flat: a segment of an example is a range of `tokens`, cut without copying. */
export interface TokenDocuments {
  /** Ids of all sentences, one after the other. */
  readonly tokens: Uint16Array;
  /** Sentence s holds tokens [sentenceStarts[s], sentenceStarts[s + 1]). */
  readonly sentenceStarts: Uint32Array;
  /** Document d holds sentences [documentStarts[d], documentStarts[d + 1]). */
  readonly documentStarts: Uint32Array;
}

/** A document as it is read: sentences of token ids. */
export type TokenSentences = readonly (readonly number[])[];

export function numDocumentsOf(documents: TokenDocuments): number {
  return documents.documentStarts.length - 1;
}

/** The documents as they were read. */
export function* sentencesOf({
  tokens,
  sentenceStarts,
  documentStarts,
}: TokenDocuments): Generator<number[][], void, undefined> {
  for (let document = 0; document + 1 < documentStarts.length; document++) {
    const starts = sentenceStarts.subarray(
      documentStarts[document],
      documentStarts[document + 1]! + 1,
    );
    yield Array.from(starts.subarray(1), (end, i) => Array.from(tokens.subarray(starts[i], end)));
  }
}
