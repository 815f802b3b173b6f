import { PairQueue } from './pair-queue.ts';
import { PairTable } from './pair-table.ts';
import { continuationPrefix } from './vocabulary.ts';
import { inside, layOutWords, type WordCells } from './word-cells.ts';
import type { WordCounts } from './word-counts.ts';
import type { Work } from './work.ts';

/**
 * Byte-pair merging over words: yields, one after the other, the piece made by joining the most frequent pair of
 * neighbouring pieces (Sennrich et al., arXiv 1508.07909), until no pair occurs `minFrequency` times. Of equally
 * frequent pairs the one with the lower left id goes first, then the lower right id; ids count the alphabet as given,
 * then the pieces in the order made. A piece that can be made in two ways is yielded once. Between them it yields pauses: undefined.
 * @param counts - words of at most 255 characters
 */
export function* mergePairs(
  counts: WordCounts,
  alphabet: readonly string[],
  minFrequency: number,
): Generator<string | undefined, void> {
  const pieces = [...alphabet];
  const ids = new Map(pieces.map((piece, id) => [piece, id]));
  const words = yield* layOutWords(counts, alphabet);
  const pairs = yield* countPairs(words);
  const queue = new PairQueue(pairs);
  for (let pair = 0; pair < pairs.numPairs; pair += 1) {
    if (pairs.frequency[pair]! >= minFrequency) queue.push(pair);
    if (pair % pairsBetweenPauses === 0) yield;
  }

  for (let best = queue.pop(minFrequency); best !== undefined; best = queue.pop(minFrequency)) {
    const piece = join(pieces[pairs.left[best]!]!, pieces[pairs.right[best]!]!);
    const known = ids.get(piece);
    const id = known ?? pieces.push(piece) - 1;
    ids.set(piece, id);
    for (const changed of yield* mergePair(words, pairs, best, id))
      if (pairs.frequency[changed]! >= minFrequency) queue.push(changed);
    yield known === undefined ? piece : undefined;
  }
}

const cellsBetweenPauses = 1 << 16;
const pairsBetweenPauses = 1 << 16;
const placesBetweenPauses = 1 << 13;
/** That joining a pair in one place may find. */
const pairsOfPlace = 4;

/** A place of a pair is the first cell of its left piece. */
function* countPairs({ pieces, counts }: WordCells): Work<PairTable> {
  // A cell that is no separator and not the first of its word has a pair with the one before.
  const pairs = new PairTable(Math.max(0, pieces.length - 2 * counts.length));
  let word = 0;
  yield* pairs.making(cellsBetweenPauses);
  for (let cell = 1; cell < pieces.length; cell += 1) {
    const right = pieces[cell]!;
    const left = pieces[cell - 1]!;
    if (right < 0) word += 1;
    else if (left >= 0) {
      const pair = pairs.find(left, right);
      pairs.frequency[pair]! += counts[word]!;
      pairs.addPlace(pair, cell - 1);
    }
    if (cell % cellsBetweenPauses !== 0) continue;
    yield;
    yield* pairs.making(cellsBetweenPauses);
  }
  return pairs;
}

/** Joins a pair wherever it stands, in each word from the left. @returns pairs that became more frequent by it */
function* mergePair(
  { pieces, lengths, counts }: WordCells,
  pairs: PairTable,
  merged: number,
  id: number,
): Work<readonly number[]> {
  const left = pairs.left[merged]!;
  const right = pairs.right[merged]!;
  const places = pairs.takePlaces(merged);
  if (left === right) places.sort();
  const gained: number[] = [];
  const replace = (before: number, now: number, place: number, times: number): void => {
    pairs.frequency[before]! -= times;
    pairs.frequency[now]! += times;
    pairs.addPlace(now, place);
    if (pairs.mark[now] !== 0) return;
    pairs.mark[now] = 1;
    gained.push(now);
  };

  for (let i = 0; i < places.length; i += 1) {
    if (i % placesBetweenPauses === 0) {
      if (i > 0) yield;
      yield* pairs.making(pairsOfPlace * Math.min(placesBetweenPauses, places.length - i));
    }
    const start = places[i]!;
    if (pieces[start] !== left) continue;
    const middle = start + lengths[start]!;
    if (pieces[middle] !== right) continue;
    const end = middle + lengths[middle]!;
    pieces[start] = id;
    pieces[middle] = inside;
    lengths[start] = lengths[end - 1] = end - start;

    let behind = end;
    while (pieces[behind]! >= 0) behind += lengths[behind]!;
    const times = counts[-2 - pieces[behind]!]!;
    const next = pieces[end]!;
    if (next >= 0) replace(pairs.find(right, next), pairs.find(id, next), start, times);
    if (pieces[start - 1]! < inside) continue;
    const before = start - lengths[start - 1]!;
    const previous = pieces[before]!;
    replace(pairs.find(previous, left), pairs.find(previous, id), before, times);
  }
  pairs.frequency[merged] = 0;
  for (const pair of gained) pairs.mark[pair] = 0;
  return gained;
}

function join(left: string, right: string): string {
  return left + right.slice(continuationPrefix.length);
}
