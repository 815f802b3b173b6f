/** Min-hashes of a document. */
export const numHashes = 128;
/** Bits that are kept of each, to estimate how similar two documents are. */
export const fingerprintBits = 4;
/** A document's fingerprint: of each min-hash its bits, one behind the other. */
export const fingerprintWords = (numHashes * fingerprintBits) / 32;

/** How min-hashes are put together into bands: documents that have a band in common are compared. */
export interface Bands {
  readonly numBands: number;
  /** Min-hashes of a band. */
  readonly numRows: number;
}

const leastProbability = 0.95;

/** Probability that documents of a similarity have a band in common, and so are compared. */
export function probabilityOfMeeting(similarity: number, { numBands, numRows }: Bands): number {
  return 1 - (1 - similarity ** numRows) ** numBands;
}

/** The longest bands by which documents that are just so similar meet with a probability of 0.95 or more. */
export function bandsFor(threshold: number): Bands {
  const ofRows = (numRows: number): Bands => ({
    numBands: Math.floor(numHashes / numRows),
    numRows,
  });
  for (let numRows = numHashes; numRows > 1; numRows--)
    if (probabilityOfMeeting(threshold, ofRows(numRows)) >= leastProbability)
      return ofRows(numRows);
  return ofRows(1);
}

/** Of different min-hashes, so many have the same bits by chance. */
const byChance = 2 ** -fingerprintBits;

/** How similar documents are by the number of their min-hashes whose bits agree: unbiased, and below 0 perhaps. */
export function similarityOf(numAgreeing: number): number {
  return (numAgreeing / numHashes - byChance) / (1 - byChance);
}

/** The least number of min-hashes whose bits agree in documents of an estimated similarity. */
export function leastAgreeing(similarity: number): number {
  return Math.ceil(numHashes * (similarity * (1 - byChance) + byChance));
}

/** What all documents may take that are compared in one process. */
const memoryBytes = 384 * 2 ** 20;
/** Besides the bands: hash, fingerprint, turn, column of a band, place in a hash table that is a third full, group and state. */
const bytesBesideBands = 16 + 4 * fingerprintWords + 4 + 4 + 12 + 2;

/** Bytes in memory for each document that is compared. */
function bytesOfCompared({ numBands }: Bands): number {
  return bytesBesideBands + 4 * numBands;
}

/** Different documents that one process compares. */
export function maxCompared(bands: Bands): number {
  return Math.floor(memoryBytes / bytesOfCompared(bands));
}
