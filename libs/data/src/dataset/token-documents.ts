import type { Stretches } from '../scratch/stretches.ts';

/** Ids of tokens: 16 bits each, or 32 where the vocabulary has more than 65,536 entries. */
export type TokenIds = Uint16Array | Uint32Array;

/** Tokenised documents, flat: a segment of an example is a range of `tokens`, cut without copying. */
export interface TokenDocuments {
  /** Ids of all sentences, one after the other. */
  readonly tokens: Stretches<TokenIds>;
  /** Sentence s holds tokens [sentenceStarts[s], sentenceStarts[s + 1]). */
  readonly sentenceStarts: Uint32Array;
  /** Document d holds sentences [documentStarts[d], documentStarts[d + 1]). */
  readonly documentStarts: Uint32Array;
  /** What names each document whatever its place: `hashBytes` each, end to end. Datasets of earlier releases have none. */
  readonly hashes?: Uint8Array;
}

/** Of a document's hash. */
export const hashBytes = 16;

/** Where tokens of an example are from: [start, end) of a document set, of one document. */
export interface TokenSource {
  readonly documents: TokenDocuments;
  readonly start: number;
  readonly end: number;
  /** Whether a [CLS] stands before it besides that of the example, as another sequence begins. @defaultValue false */
  readonly beginsSequence?: boolean;
}

/** A document as it is read: sentences of token ids. */
export type TokenSentences = readonly (readonly number[])[];

export function numDocumentsOf(documents: TokenDocuments): number {
  return documents.documentStarts.length - 1;
}

/** What names a document, in hex; undefined where the dataset does not say. */
export function hashOfDocument({ hashes }: TokenDocuments, document: number): string | undefined {
  const hash = hashes?.subarray(document * hashBytes, (document + 1) * hashBytes);
  return hash && Buffer.from(hash).toString('hex');
}

/** The first token of a document. */
export function startOfDocument(
  { sentenceStarts, documentStarts }: TokenDocuments,
  document: number,
): number {
  return sentenceStarts[documentStarts[document]!]!;
}

/** The sentence that has a token. */
export function sentenceOfToken({ sentenceStarts }: TokenDocuments, token: number): number {
  return lastNotAbove(sentenceStarts, token);
}

/** The document that has a token. */
export function documentOfToken(documents: TokenDocuments, token: number): number {
  return lastNotAbove(documents.documentStarts, sentenceOfToken(documents, token));
}

/** The last of the ascending numbers that is at most `value`. */
function lastNotAbove(ascending: Uint32Array, value: number): number {
  let low = 0;
  let high = ascending.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (ascending[middle]! <= value) low = middle;
    else high = middle - 1;
  }
  return low;
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
