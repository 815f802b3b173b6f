import type { CorpusTally } from '@berth/contracts';

/** A tally that has counted nothing. */
export function createCorpusTally(): CorpusTally {
  return { numBytes: 0, encodings: {}, numEmptyDocuments: 0, numCutDocuments: 0 };
}

/** What several chunks counted, as one. */
export function mergeCorpusTallies(tallies: readonly CorpusTally[]): CorpusTally {
  const merged = createCorpusTally();
  for (const tally of tallies) {
    merged.numBytes += tally.numBytes;
    merged.numEmptyDocuments += tally.numEmptyDocuments;
    merged.numCutDocuments += tally.numCutDocuments;
    for (const [encoding, num] of Object.entries(tally.encodings))
      merged.encodings[encoding] = (merged.encodings[encoding] ?? 0) + num;
  }
  return merged;
}
