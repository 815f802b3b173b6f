import { continuationPrefix } from './vocabulary.ts';
import type { WordCounts } from './word-counts.ts';

/** A word as pieces of one character: "and" is a, ##n, ##d. */
export function toCharacterPieces(word: string): string[] {
  return Array.from(word, (character, index) =>
    index === 0 ? character : continuationPrefix + character,
  );
}

/** The one-character pieces of all words. */
export interface Alphabet {
  /** Pieces that begin a word, then those that continue one, each by code point. */
  readonly pieces: readonly string[];
  /** The same pieces, the most frequent first. */
  readonly byFrequency: readonly string[];
}

export function collectAlphabet(counts: WordCounts): Alphabet {
  const frequencies = new Map<string, number>();
  for (const [word, times] of counts) {
    for (const piece of toCharacterPieces(word)) {
      frequencies.set(piece, (frequencies.get(piece) ?? 0) + times);
    }
  }
  const pieces = [...frequencies.keys()].sort((a, b) => sortKey(a) - sortKey(b));
  const frequency = (piece: string): number => frequencies.get(piece) ?? 0;
  return { pieces, byFrequency: pieces.toSorted((a, b) => frequency(b) - frequency(a)) };
}

function sortKey(piece: string): number {
  const isContinuation = piece.startsWith(continuationPrefix);
  const codePoint = piece.codePointAt(isContinuation ? continuationPrefix.length : 0) ?? 0;
  return isContinuation ? codePoint + 0x11_0000 : codePoint;
}
