import type { DatasetHealth } from '@berth/contracts';

const lengths = Array.from({ length: 10 }, (_, index) => 8 << index);

/** Measures what share of the tokens examples of each length have room for. */
export interface CoverageMeter {
  /** @param sentences - tokens of each */
  add(sentences: ArrayLike<number>): void;
  /** Tokens of them that examples of each length have room for. */
  readonly numCovered: readonly number[];
}

/**
 * Sentences are gathered until an example is full, as {@link segmentPairs} does, and what is too much of them is lost.
 * It draws where to part the sentences, and this does not, so the share is near the true one, not equal to it.
 */
export function createCoverageMeter(): CoverageMeter {
  const numCovered = lengths.map(() => 0);
  return {
    numCovered,
    add: (sentences) => {
      for (const [index, maxSeqLength] of lengths.entries())
        numCovered[index]! += numTokensCovered(sentences, maxSeqLength - 3);
    },
  };
}

/** What sums of several meters say. @param numTokens - of all their documents */
export function coverageOf(
  numCovered: readonly (readonly number[])[],
  numTokens: number,
): DatasetHealth['coverage'] {
  return lengths.map((maxSeqLength, index) => {
    const covered = numCovered.reduce((sum, one) => sum + (one[index] ?? 0), 0);
    return { maxSeqLength, ratio: numTokens === 0 ? 1 : covered / numTokens };
  });
}

function numTokensCovered(sentences: ArrayLike<number>, room: number): number {
  let numCovered = 0;
  let gathered = 0;
  for (let index = 0; index < sentences.length; index++) {
    gathered += sentences[index]!;
    if (gathered < room) continue;
    numCovered += room;
    gathered = 0;
  }
  return numCovered + gathered;
}
