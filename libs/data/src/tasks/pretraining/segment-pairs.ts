import type { RandomSource } from '../../random/random-source.ts';
import type { TokenDocuments } from '../../dataset/token-documents.ts';

/** Tokens [start, end) of a document set. */
export interface TokenRange {
  start: number;
  end: number;
}

/** The text of one example: A, then B. */
export interface SegmentPair {
  readonly a: TokenRange;
  readonly b: TokenRange;
  /** Whose tokens those of B are. */
  readonly bDocuments: TokenDocuments;
  readonly isRandomNext: boolean;
}

/**
 * Draws the document and the sentence where a random next segment starts.
 * `continuation` is the sentence after A, or the document's end: what the segment must not be.
 */
export type NextSentencePicker = (
  random: RandomSource,
  document: number,
  continuation: number,
) => NextSentence;

/** Where a segment starts. */
export interface NextSentence {
  readonly documents: TokenDocuments;
  readonly document: number;
  readonly sentence: number;
}

/** Where the chances of a document's pairs come from. */
export interface PairChances {
  /** For what follows from the document alone: its target length, where pairs are split, which are random. */
  readonly own: RandomSource;
  /** For what depends on another document: the random segment of its n-th pair, and what is cut off to make room. */
  readonly partnerOf: (pair: number) => RandomSource;
}

/** All chances from one source, in the order of the release. */
export function chancesInOrder(random: RandomSource): PairChances {
  return { own: random, partnerOf: () => random };
}

export interface SegmentPairOptions {
  /** Tokens of A and B together: the sequence length less [CLS] and two [SEP]. */
  readonly numTokens: number;
  readonly shortSeqRatio: number;
  readonly pickNext: NextSentencePicker;
}

/**
 * Cuts a document into pairs, as google-research/bert `create_instances_from_document` does: sentences are gathered
 * until the target length, split into A and B at a random sentence, and B is replaced by a random segment half of
 * the time and whenever there is nothing to split. Sentences not used by a random pair start the next one.
 * The target is drawn once per document.
 */
export function* segmentPairs(
  documents: TokenDocuments,
  document: number,
  { own, partnerOf }: PairChances,
  { numTokens, shortSeqRatio, pickNext }: SegmentPairOptions,
): Generator<SegmentPair, void, undefined> {
  const { sentenceStarts, documentStarts } = documents;
  const endSentence = documentStarts[document + 1]!;
  const target = own.random() < shortSeqRatio ? own.randint(2, numTokens) : numTokens;

  let sentence = documentStarts[document]!;
  for (let pair = 0; sentence < endSentence; pair++) {
    const partner = partnerOf(pair);
    const chunkEnd = endOfSegment(sentenceStarts, sentence, endSentence, target);
    const numSentences = chunkEnd - sentence;
    const splitAt = sentence + (numSentences === 1 ? 1 : own.randint(1, numSentences - 1));
    const a = { start: sentenceStarts[sentence]!, end: sentenceStarts[splitAt]! };
    const isRandomNext = numSentences === 1 || own.random() < 0.5;
    let bDocuments = documents;
    let bStart = splitAt;
    let bEnd = chunkEnd;
    if (isRandomNext) {
      const next = pickNext(partner, document, splitAt);
      bDocuments = next.documents;
      bStart = next.sentence;
      const nextEnd = bDocuments.documentStarts[next.document + 1]!;
      const numLeft = target - (a.end - a.start);
      bEnd = endOfSegment(bDocuments.sentenceStarts, bStart, nextEnd, numLeft);
    }
    const starts = bDocuments.sentenceStarts;
    const b = { start: starts[bStart]!, end: starts[bEnd]! };
    truncatePair(a, b, numTokens, partner);
    yield { a, b, bDocuments, isRandomNext };
    sentence = isRandomNext ? splitAt : chunkEnd;
  }
}

/** The sentence after a segment of at least one sentence and, if the document has them, at least `target` tokens. */
function endOfSegment(starts: Uint32Array, from: number, limit: number, target: number): number {
  let end = from + 1;
  while (end < limit && starts[end]! - starts[from]! < target) end++;
  return end;
}

/** Drops tokens of the longer range, from its front or back by a fair coin, until both fit. */
function truncatePair(a: TokenRange, b: TokenRange, numTokens: number, random: RandomSource): void {
  let excess = a.end - a.start + b.end - b.start - numTokens;
  for (; excess > 0; excess--) {
    const longer = a.end - a.start > b.end - b.start ? a : b;
    if (random.random() < 0.5) longer.start++;
    else longer.end--;
  }
}
