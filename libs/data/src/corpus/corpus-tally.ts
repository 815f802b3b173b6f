import type { CorpusTally } from '@berth/contracts';

/** A tally that has counted nothing. */
export function createCorpusTally(): CorpusTally {
  return { numBytes: 0, encodings: {}, numEmptyDocuments: 0 };
}

/** What several chunks counted, as one. */
export function mergeCorpusTallies(tallies: readonly CorpusTally[]): CorpusTally {
  const merged = createCorpusTally();
  for (const { numBytes, encodings, numEmptyDocuments } of tallies) {
    merged.numBytes += numBytes;
    merged.numEmptyDocuments += numEmptyDocuments;
    for (const [encoding, num] of Object.entries(encodings))
      merged.encodings[encoding] = (merged.encodings[encoding] ?? 0) + num;
  }
  return merged;
}
