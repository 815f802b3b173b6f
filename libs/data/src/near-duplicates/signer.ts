import { giveTurn, isTurnDue } from '../text/work.ts';
import { fingerprintBits, fingerprintWords, numHashes, type Bands } from './bands.ts';
import { createWordHashes } from './word-hashes.ts';

/** What documents are compared by. Views that the next document overwrites. */
export interface Signature {
  /** A hash of each band. */
  readonly bands: Uint32Array;
  /** Some bits of each min-hash. */
  readonly fingerprint: Uint32Array;
}

/** Words that make a shingle: documents are sets of these. */
const shingleWords = 5;
/** Of a sentence, read at a time. */
const sliceLength = 2 ** 14;
/** The first bits of a shingle's hash say in which bin it is, the others which is the least there. */
const binShift = 32 - Math.log2(numHashes);
const largest = 2 ** binShift - 1;
const isEmpty = largest + 1;

/** Makes signatures, one document after the other. */
export interface Signer {
  /**
   * @returns undefined for a document without a word
   * @throws the reason of `signal`
   */
  sign(sentences: readonly string[], signal?: AbortSignal): Promise<Signature | undefined>;
}

/**
 * Signs documents by MinHash over the 5-grams of their words, in one permutation: their hashes are sorted into 128 bins, and the least of each
 * is a min-hash. An empty bin takes that of another, found by chances of its own ("Optimal densification for fast and accurate minwise
 * hashing", Shrivastava 2017). A document of fewer words is one n-gram.
 */
export function createSigner({ numBands, numRows }: Bands): Signer {
  const bins = new Int32Array(numHashes);
  const least = new Int32Array(numHashes);
  const bands = new Uint32Array(numBands);
  const fingerprint = new Uint32Array(fingerprintWords);
  const last = new Int32Array(shingleWords);
  let numWords = 0;

  const addShingle = (size: number): void => {
    let hash = size;
    for (let word = numWords - size; word < numWords; word++)
      hash = rotated(Math.imul(hash ^ last[word % shingleWords]!, 0xcc9e2d51 | 0));
    const shingle = mixed(hash);
    const bin = shingle >>> binShift;
    const value = shingle & largest;
    if (value < bins[bin]!) bins[bin] = value;
  };
  const words = createWordHashes((hash) => {
    last[numWords % shingleWords] = hash;
    numWords += 1;
    if (numWords >= shingleWords) addShingle(shingleWords);
  });

  const finish = (): Signature | undefined => {
    if (numWords === 0) return undefined;
    if (numWords < shingleWords) addShingle(numWords);
    for (let bin = 0; bin < numHashes; bin++) least[bin] = bins[filledBin(bins, bin)]!;
    for (let band = 0; band < numBands; band++) {
      let hash = band;
      for (let row = 0; row < numRows; row++)
        hash = rotated(Math.imul(hash ^ least[band * numRows + row]!, 0xcc9e2d51 | 0));
      bands[band] = mixed(hash);
    }
    fingerprint.fill(0);
    for (let k = 0; k < numHashes; k++) {
      const at = k * fingerprintBits;
      const bits = mixed(least[k]!) >>> (32 - fingerprintBits);
      fingerprint[at >>> 5]! |= bits << (at & 31);
    }
    return { bands, fingerprint };
  };

  return {
    async sign(sentences, signal) {
      bins.fill(isEmpty);
      numWords = 0;
      for (const text of sentences) {
        for (let start = 0; start < text.length; start += sliceLength) {
          words.add(text.length <= sliceLength ? text : text.slice(start, start + sliceLength));
          if (isTurnDue()) await giveTurn(signal);
        }
        words.endWord();
      }
      return finish();
    },
  };
}

function rotated(hash: number): number {
  return (hash << 15) | (hash >>> 17);
}

/** The last step of MurmurHash3: each bit of what goes in changes all of what comes out. */
function mixed(hash: number): number {
  let bits = hash ^ (hash >>> 16);
  bits = Math.imul(bits, 0x85ebca6b | 0);
  bits ^= bits >>> 13;
  bits = Math.imul(bits, 0xc2b2ae35 | 0);
  return bits ^ (bits >>> 16);
}

/** The bin, or the one that an empty one takes from. Some are filled. */
function filledBin(bins: Int32Array, bin: number): number {
  let place = bin;
  for (let attempt = 1; bins[place] === isEmpty; attempt++)
    place = mixed(Math.imul(bin + 1, 0x9e3779b9 | 0) + attempt) >>> binShift;
  return place;
}
