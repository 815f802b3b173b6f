import type { DatasetHealth } from '@berth/contracts';
import type { TokenSentences } from './token-documents.ts';

const lengths = Array.from({ length: 10 }, (_, index) => 8 << index);

/** Measures what share of the tokens examples of each length have room for. */
export interface CoverageMeter {
  add(document: TokenSentences): void;
  coverage(): DatasetHealth['coverage'];
}

/**
 * Sentences are gathered until an example is full, as {@link segmentPairs} does, and what is too much of them is lost.
 * It draws where to part the sentences, and this does not, so the share is near the true one, not equal to it.
 */
export function createCoverageMeter(): CoverageMeter {
  const numCovered = lengths.map(() => 0);
  let numTokens = 0;
  return {
    add: (document) => {
      for (const { length } of document) numTokens += length;
      for (const [index, maxSeqLength] of lengths.entries())
        numCovered[index]! += numTokensCovered(document, maxSeqLength - 3);
    },
    coverage: () =>
      lengths.map((maxSeqLength, index) => ({
        maxSeqLength,
        ratio: numTokens === 0 ? 1 : numCovered[index]! / numTokens,
      })),
  };
}

function numTokensCovered(document: TokenSentences, room: number): number {
  let numCovered = 0;
  let gathered = 0;
  for (const { length } of document) {
    gathered += length;
    if (gathered < room) continue;
    numCovered += room;
    gathered = 0;
  }
  return numCovered + gathered;
}
