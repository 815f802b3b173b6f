import type { BadInputs, CorpusTally } from '@berth/contracts';

/** A tally that has counted nothing. */
export function createCorpusTally(): CorpusTally {
  return {
    numBytes: 0,
    encodings: {},
    numEmptyDocuments: 0,
    numCutDocuments: 0,
    numNullTexts: 0,
    bad: { numRecords: 0, numFiles: 0, first: [] },
  };
}

/** What several chunks counted, as one. */
export function mergeCorpusTallies(tallies: readonly CorpusTally[]): CorpusTally {
  const merged = createCorpusTally();
  for (const { encodings, bad, ...counts } of tallies) {
    merged.numBytes += counts.numBytes;
    merged.numEmptyDocuments += counts.numEmptyDocuments;
    merged.numCutDocuments += counts.numCutDocuments;
    merged.numNullTexts += counts.numNullTexts;
    for (const [encoding, num] of Object.entries(encodings))
      merged.encodings[encoding] = (merged.encodings[encoding] ?? 0) + num;
    merged.bad.numRecords += bad.numRecords;
    merged.bad.numFiles += bad.numFiles;
    for (const one of bad.first) nameBad(merged.bad, one);
  }
  return merged;
}

/** What could not be read that is told one by one. */
const maxNamed = 10;

/** Tells of something that could not be read, as long as there is not much of it. */
export function nameBad({ first }: BadInputs, one: BadInputs['first'][number]): void {
  if (first.length < maxNamed) first.push(one);
}
