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
