import { characterKeys, keyOfPiece } from './alphabet.ts';
import type { WordCounts } from './word-counts.ts';
import type { Work } from './work.ts';

/** Words one behind the other, a cell for each character, and one before, between and behind the words. */
export interface WordCells {
  /** In the first cell of a piece its id, in its others `inside`; behind a word `-2 -` its place in `counts`. */
  readonly pieces: Int32Array;
  /** In the first and the last cell of a piece: how many it has. */
  readonly lengths: Uint8Array;
  readonly counts: Float64Array;
}

export const inside = -1;

const maxCharacters = 255;
const wordsBetweenPauses = 1 << 13;

/** Cells of all words, in pieces of one character. @throws RangeError for a word of more than 255 characters */
export function* layOutWords(counts: WordCounts, alphabet: readonly string[]): Work<WordCells> {
  let numCells = 1;
  let numWords = 0;
  for (const [word] of counts) {
    const { length } = characterKeys(word);
    if (length > maxCharacters) throw new RangeError(`a word of ${length} characters`);
    numCells += length + 1;
    numWords += 1;
    if (numWords % wordsBetweenPauses === 0) yield;
  }
  const cells: WordCells = {
    pieces: new Int32Array(numCells),
    lengths: new Uint8Array(numCells).fill(1),
    counts: new Float64Array(numWords),
  };
  const ids = new Map(alphabet.map((piece, id) => [keyOfPiece(piece), id]));
  cells.pieces[0] = -2;
  let at = 1;
  let place = 0;
  for (const [word, count] of counts) {
    for (const key of characterKeys(word)) cells.pieces[at++] = ids.get(key)!;
    cells.pieces[at++] = -2 - place;
    cells.counts[place] = count;
    place += 1;
    if (place % wordsBetweenPauses === 0) yield;
  }
  return cells;
}
