import { toCharacterPieces } from './alphabet.ts';
import { createPriorityQueue } from './priority-queue.ts';
import { continuationPrefix } from './vocabulary.ts';
import type { WordCounts } from './word-counts.ts';

interface CountedWord {
  readonly count: number;
  /** Ids of its pieces. */
  pieces: number[];
}

interface Pair {
  readonly left: number;
  readonly right: number;
  /** Occurrences in the text, as it is cut into pieces now. */
  frequency: number;
  /** Words that contain it, or did. */
  readonly words: CountedWord[];
}

interface Candidate {
  readonly pair: Pair;
  readonly frequency: number;
}

/**
 * Byte-pair merging over words: yields, one after the other, the piece made by joining the most frequent pair of
 * neighbouring pieces (Sennrich et al., arXiv 1508.07909), until no pair occurs `minFrequency` times. Of equally
 * frequent pairs the one with the lower left id goes first, then the lower right id; ids count the alphabet as given,
 * then the pieces in the order made. A piece that can be made in two ways is yielded once.
 */
export function* mergePairs(
  counts: WordCounts,
  alphabet: readonly string[],
  minFrequency: number,
): Generator<string> {
  const pieces = [...alphabet];
  const ids = new Map(pieces.map((piece, id) => [piece, id]));
  const pairs = new Map<number, Pair>();
  const queue = createPriorityQueue<Candidate>(precedes);

  const addWord = (word: CountedWord, changed: Set<Pair>): void => {
    forEachPair(word.pieces, (left, right) => {
      const key = pairKey(left, right);
      let pair = pairs.get(key);
      if (pair === undefined) pairs.set(key, (pair = { left, right, frequency: 0, words: [] }));
      pair.frequency += word.count;
      if (pair.words.at(-1) !== word) pair.words.push(word);
      changed.add(pair);
    });
  };
  const removeWord = (word: CountedWord): void => {
    forEachPair(word.pieces, (left, right) => {
      const pair = pairs.get(pairKey(left, right));
      if (pair !== undefined) pair.frequency -= word.count;
    });
  };
  const enqueue = (pair: Pair): void => {
    if (pair.frequency >= minFrequency) queue.push({ pair, frequency: pair.frequency });
  };

  const initial = new Set<Pair>();
  for (const [word, count] of counts) {
    addWord(
      { count, pieces: toCharacterPieces(word).map((piece) => ids.get(piece) ?? -1) },
      initial,
    );
  }
  initial.forEach(enqueue);

  for (let best = queue.pop(); best !== undefined; best = queue.pop()) {
    const { left, right, frequency, words } = best.pair;
    if (best.frequency !== frequency) {
      // Counted before other merges took some occurrences away. (One that gained was queued again when it did.)
      if (best.frequency > frequency) enqueue(best.pair);
      continue;
    }
    const piece = join(pieces[left] ?? '', pieces[right] ?? '');
    const known = ids.get(piece);
    const id = known ?? pieces.push(piece) - 1;
    ids.set(piece, id);

    const changed = new Set<Pair>();
    for (const word of words) {
      const merged = replacePair(word.pieces, left, right, id);
      if (merged.length === word.pieces.length) continue;
      removeWord(word);
      word.pieces = merged;
      addWord(word, changed);
    }
    pairs.delete(pairKey(left, right));
    changed.forEach(enqueue);
    if (known === undefined) yield piece;
  }
}

function precedes(a: Candidate, b: Candidate): boolean {
  if (a.frequency !== b.frequency) return a.frequency > b.frequency;
  if (a.pair.left !== b.pair.left) return a.pair.left < b.pair.left;
  return a.pair.right < b.pair.right;
}

function pairKey(left: number, right: number): number {
  return left * 2 ** 26 + right;
}

function forEachPair(
  pieces: readonly number[],
  visit: (left: number, right: number) => void,
): void {
  for (let i = 1; i < pieces.length; i += 1) visit(pieces[i - 1] ?? 0, pieces[i] ?? 0);
}

function replacePair(pieces: readonly number[], left: number, right: number, id: number): number[] {
  const merged: number[] = [];
  for (let i = 0; i < pieces.length; i += 1) {
    if (pieces[i] === left && pieces[i + 1] === right) {
      merged.push(id);
      i += 1;
    } else {
      merged.push(pieces[i] ?? 0);
    }
  }
  return merged;
}

function join(left: string, right: string): string {
  return left + right.slice(continuationPrefix.length);
}
