import type { Example } from './example.ts';

/** What a row has room for. */
export interface RowSizes {
  readonly maxSeqLength: number;
  readonly maxPredictions: number;
  readonly sequencesPerRow: number;
}

/** Sequences that are packed together: enough that hardly any room is left. */
const windowLength = 1024;

interface Row<T> {
  readonly sequences: T[];
  numTokens: number;
  numPredictions: number;
}

/**
 * Packs sequences into rows, lazily: of each 1,024 in turn, the longest first, each into the first row that has room for its tokens and
 * its predictions (first-fit decreasing). The same sequences give the same rows.
 */
export function* packRows<T extends Pick<Example, 'ids' | 'maskedPositions'>>(
  sequences: Iterable<T>,
  sizes: RowSizes,
): Generator<readonly T[], void, undefined> {
  let window: T[] = [];
  for (const sequence of sequences) {
    window.push(sequence);
    if (window.length < windowLength) continue;
    yield* rowsOf(window, sizes);
    window = [];
  }
  yield* rowsOf(window, sizes);
}

function rowsOf<T extends Pick<Example, 'ids' | 'maskedPositions'>>(
  window: readonly T[],
  { maxSeqLength, maxPredictions, sequencesPerRow }: RowSizes,
): T[][] {
  const rows: Row<T>[] = [];
  for (const sequence of window.toSorted((a, b) => b.ids.length - a.ids.length)) {
    const numTokens = sequence.ids.length;
    const numPredictions = sequence.maskedPositions.length;
    const hasRoom = (row: Row<T>): boolean =>
      row.sequences.length < sequencesPerRow &&
      row.numTokens + numTokens <= maxSeqLength &&
      row.numPredictions + numPredictions <= maxPredictions;
    let row = rows.find(hasRoom);
    if (row === undefined) rows.push((row = { sequences: [], numTokens: 0, numPredictions: 0 }));
    row.sequences.push(sequence);
    row.numTokens += numTokens;
    row.numPredictions += numPredictions;
  }
  return rows.map((row) => row.sequences);
}
