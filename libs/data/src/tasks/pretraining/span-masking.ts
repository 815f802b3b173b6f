import type { TokenIds } from '../../dataset/token-documents.ts';
import type { RandomSource } from '../../random/random-source.ts';
import type { ExampleVocabulary } from './settings.ts';

/** Positions that may be masked, and where each word begins among them. */
export interface MaskableWords {
  readonly positions: Uint16Array;
  readonly wordStarts: Uint16Array;
}

export interface SpanMasking {
  /** Masked in place. */
  readonly ids: TokenIds;
  readonly words: MaskableWords;
  /** In which words are tried as the first of a span. */
  readonly order: Iterable<number>;
  /** Tokens that may be masked. */
  readonly limit: number;
  readonly vocabulary: ExampleVocabulary;
  readonly random: RandomSource;
}

/** How likely a span ends behind each of its words, and how many it has at most. */
const endRatio = 0.2;
const maxWords = 10;

/**
 * Masks spans of whole words, as SpanBERT does (Joshi et al., arXiv 1907.10529, section 3.1): first words are drawn evenly, lengths from a
 * geometric distribution that is cut at ten words, 3.8 on average; of the spans, not of their tokens, 80 % become [MASK],
 * 10 % stay, 10 % become any entries of the vocabulary. A span ends before a special token, before words that are
 * masked already, and before the word that would be too much.
 * @returns the chosen positions
 */
export function maskSpans({ ids, words, order, limit, vocabulary, random }: SpanMasking): number[] {
  const { positions, wordStarts } = words;
  const isTaken = new Uint8Array(wordStarts.length);
  const endOf = (word: number): number => wordStarts[word + 1] ?? positions.length;
  const chosen: number[] = [];
  for (const first of order) {
    if (chosen.length >= limit) break;
    if (isTaken[first] === 1) continue;
    const start = wordStarts[first]!;
    if (chosen.length + endOf(first) - start > limit) continue;
    const numWords = numWordsOfSpan(random);
    let word = first;
    let end = start;
    do {
      isTaken[word] = 1;
      end = endOf(word);
      word += 1;
    } while (
      word < first + numWords &&
      isTaken[word] === 0 &&
      positions[end] === positions[end - 1]! + 1 &&
      chosen.length + endOf(word) - start <= limit
    );
    const become = replacement(vocabulary, random);
    for (let i = start; i < end; i++) {
      const position = positions[i]!;
      ids[position] = become(ids[position]!);
      chosen.push(position);
    }
  }
  return chosen;
}

/** Multiplications alone, which every engine rounds alike. */
const shares = Array.from({ length: maxWords }, (_, index) =>
  Array<number>(index)
    .fill(1 - endRatio)
    .reduce((share, factor) => share * factor, endRatio),
);
const total = shares.reduce((sum, share) => sum + share, 0);

/** From 1 to 10. */
export function numWordsOfSpan(random: RandomSource): number {
  let rest = random.random() * total;
  let numWords = 1;
  while (numWords < maxWords && rest >= shares[numWords - 1]!) rest -= shares[numWords++ - 1]!;
  return numWords;
}

/** What the tokens of a span become. */
function replacement(
  { tokens, maskId }: ExampleVocabulary,
  random: RandomSource,
): (id: number) => number {
  if (random.random() < 0.8) return () => maskId;
  return random.random() < 0.5 ? (id) => id : () => random.randint(0, tokens.length - 1);
}
