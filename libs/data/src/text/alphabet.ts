import { continuationPrefix } from './vocabulary.ts';
import type { WordCounts } from './word-counts.ts';
import type { Work } from './work.ts';

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

const wordsBetweenPauses = 1 << 13;

export function* collectAlphabet(counts: WordCounts): Work<Alphabet> {
  const frequencies = new Map<number, number>();
  let numWords = 0;
  for (const [word, times] of counts) {
    for (const key of characterKeys(word))
      frequencies.set(key, (frequencies.get(key) ?? 0) + times);
    numWords += 1;
    if (numWords % wordsBetweenPauses === 0) yield;
  }
  const keys = [...frequencies.keys()].sort((a, b) => a - b);
  const frequency = (key: number): number => frequencies.get(key) ?? 0;
  return {
    pieces: keys.map(pieceOfKey),
    byFrequency: keys.toSorted((a, b) => frequency(b) - frequency(a)).map(pieceOfKey),
  };
}

const numCodePoints = 0x11_0000;

/** A number for each character of a word: its code point, and another one where it continues the word. */
export function characterKeys(word: string): number[] {
  const keys: number[] = [];
  for (let i = 0; i < word.length; i += 1) {
    const codePoint = word.codePointAt(i) ?? 0;
    keys.push(i === 0 ? codePoint : codePoint + numCodePoints);
    if (codePoint > 0xffff) i += 1;
  }
  return keys;
}

/** The character that a piece of the alphabet is, as {@link characterKeys} has it. */
export function keyOfPiece(piece: string): number {
  const isContinuation = piece.startsWith(continuationPrefix);
  const codePoint = piece.codePointAt(isContinuation ? continuationPrefix.length : 0) ?? 0;
  return isContinuation ? codePoint + numCodePoints : codePoint;
}

function pieceOfKey(key: number): string {
  return key < numCodePoints
    ? String.fromCodePoint(key)
    : continuationPrefix + String.fromCodePoint(key - numCodePoints);
}
