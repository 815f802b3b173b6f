import { addToDigest } from './digest.ts';

/** What a frame says of its payload's bytes: two 32-bit words. */
export type PayloadSums = readonly [number, number];

/** Words of a row. A lane is a column: all words at the same place of their rows. */
const numLanes = 8;
/** Rows come in pairs; words after the last pair count as they are. */
const unitWords = 2 * numLanes;
/** The weights of a word's two halves, which are signed, in each row over those in the row before. Both are odd. */
export const weightStep = 0x9e37_79b1;

/** Sums over the rows of whole units. */
export interface Lanes {
  readonly plain: Uint32Array;
  readonly weighed: Uint32Array;
}

/**
 * The sums of a contribution's bytes: what they are is checked where they arrive. A third of the work of a digest, which the vote
 * needs, and for damage as good: any changed word shows, and so do any two changed bits of a chunk, but for one in 2^64.
 *
 * Each lane has the plain sum of its words and the sum of their halves weighed by the row, modulo 2^32; a hash of the plain sums
 * is the first sum, one of the weighed sums the second.
 */
export function payloadSums(words: Uint32Array): PayloadSums {
  const numWhole = words.length - (words.length % unitWords);
  return sumsOfLanes(weigh(words.subarray(0, numWhole)), words.subarray(numWhole));
}

/** The lanes in plain JavaScript; a kernel gives the same. */
function weigh(words: Uint32Array): Lanes {
  const lanes = { plain: new Uint32Array(numLanes), weighed: new Uint32Array(numLanes) };
  for (const [index, word] of words.entries()) {
    const [lane, row] = [index % numLanes, Math.floor(index / numLanes)];
    const half = (bits: number): number => (bits << 16) >> 16;
    const weight = (step: number): number => half(Math.imul(row, step));
    lanes.plain[lane]! += word;
    lanes.weighed[lane]! +=
      half(word) * weight(weightStep) + half(word >>> 16) * weight(weightStep >>> 16);
  }
  return lanes;
}

/** @param tail - the words after the last whole unit */
export function sumsOfLanes({ plain, weighed }: Lanes, tail: Uint32Array): PayloadSums {
  return [digestOf(plain, tail)[0]!, digestOf(weighed, tail)[1]!];
}

function digestOf(sums: Uint32Array, tail: Uint32Array): Uint32Array {
  const digest = new Uint32Array(2);
  for (const [words, firstIndex] of [
    [sums, 0],
    [tail, sums.length],
  ] as const)
    addToDigest(digest, new Float32Array(words.buffer, words.byteOffset, words.length), firstIndex);
  return digest;
}

export function areSameSums(a: PayloadSums, b: PayloadSums): boolean {
  return a[0] === b[0] && a[1] === b[1];
}
