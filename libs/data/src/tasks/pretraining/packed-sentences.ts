import { numDocumentsOf, type TokenDocuments } from '../../dataset/token-documents.ts';
import type { TokenRange } from './segment-pairs.ts';

/** Tokens of a document. */
export interface PackedRange extends TokenRange {
  readonly document: number;
}

export interface PackingOptions {
  /** Documents, in the order in which they are packed. */
  readonly order: Iterable<number>;
  /** Most tokens of an example, the separators between its documents counted: the sequence length less [CLS] and [SEP]. */
  readonly numTokens: number;
  /** How many of them an example is filled up to, by its number and where it begins; a single sentence may be longer. */
  readonly targetOf: (example: number, start: Readonly<PackedRange>) => number;
  /** Whether an example that a document does not fill goes on with the next. */
  readonly acrossDocuments: boolean;
}

/**
 * Packs whole sentences one after the other, as RoBERTa does (FULL-SENTENCES, or DOC-SENTENCES when documents are kept apart;
 * Liu et al., arXiv 1907.11692, section 4.2). A sentence longer than an example is cut, so that every token is in one example.
 * @returns for each example a range of tokens of each of its documents
 */
export function* packedSentences(
  documents: TokenDocuments,
  { order, numTokens, targetOf, acrossDocuments }: PackingOptions,
): Generator<readonly PackedRange[], void, undefined> {
  let numPacked = 0;
  let target = 0;
  let ranges: PackedRange[] = [];
  let size = 0;
  const finished = (): readonly PackedRange[] => {
    const done = ranges;
    [ranges, size] = [[], 0];
    numPacked += 1;
    return done;
  };

  for (const document of order) {
    let current: PackedRange | undefined;
    for (const { start, end } of sentencesOf(documents, document, numTokens)) {
      const numSeparators = current === undefined && ranges.length > 0 ? 1 : 0;
      if (ranges.length > 0 && size + numSeparators + end - start > target) {
        yield finished();
        current = undefined;
      }
      if (current !== undefined) current.end = end;
      else {
        current = { document, start, end };
        if (ranges.length > 0) size += 1;
        else target = targetOf(numPacked, current);
        ranges.push(current);
      }
      size += end - start;
    }
    if (!acrossDocuments && ranges.length > 0) yield finished();
  }
  if (ranges.length > 0) yield finished();
}

/** Sentences of a document, those that are too long in parts. */
function* sentencesOf(
  { sentenceStarts, documentStarts }: TokenDocuments,
  document: number,
  numTokens: number,
): Generator<Readonly<TokenRange>> {
  const endSentence = documentStarts[document + 1]!;
  for (let sentence = documentStarts[document]!; sentence < endSentence; sentence++) {
    const end = sentenceStarts[sentence + 1]!;
    for (let start = sentenceStarts[sentence]!; start < end; start += numTokens)
      yield { start, end: Math.min(end, start + numTokens) };
  }
}

/** All documents, in the order in which they lie. */
export function documentsInOrder(documents: TokenDocuments): Uint32Array {
  return Uint32Array.from({ length: numDocumentsOf(documents) }, (_, document) => document);
}
