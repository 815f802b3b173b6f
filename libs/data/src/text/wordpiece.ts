import { continuationPrefix, type Vocabulary } from './vocabulary.ts';

/** Longer words, counted in code points, are unknown. */
export const maxWordLength = 200;

/** Appends the ids of a word's pieces to `ids`. */
export type WordPiece = (word: string, ids: number[]) => void;

/**
 * Greedy longest match, as `WordpieceTokenizer` of google-research/bert (tokenization.py): if any part of a word
 * matches nothing, the whole word is one [UNK].
 */
export function createWordPiece(vocabulary: Vocabulary): WordPiece {
  const continuations = new Map<string, number>();
  let maxPieceLength = 0;
  for (const [id, token] of vocabulary.tokens.entries()) {
    maxPieceLength = Math.max(maxPieceLength, token.length);
    if (token.startsWith(continuationPrefix)) {
      continuations.set(token.slice(continuationPrefix.length), id);
    }
  }

  return (word, ids) => {
    const numIdsBefore = ids.length;
    let start = isTooLong(word) ? Infinity : 0;
    while (start < word.length) {
      const pieces = start === 0 ? vocabulary.ids : continuations;
      let end = Math.min(word.length, start + maxPieceLength);
      let id: number | undefined;
      while (end > start && (id = pieces.get(word.slice(start, end))) === undefined) end -= 1;
      if (id === undefined) break;
      ids.push(id);
      start = end;
    }
    if (start !== word.length) {
      ids.length = numIdsBefore;
      ids.push(vocabulary.unkId);
    }
  };
}

/** True for a word of more than 200 code points. */
export function isTooLong(word: string): boolean {
  if (word.length <= maxWordLength) return false;
  return word.length > 2 * maxWordLength || Array.from(word).length > maxWordLength;
}
