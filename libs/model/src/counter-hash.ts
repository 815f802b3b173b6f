/** Two 32-bit words that select one stream of random numbers. */
export type HashKey = readonly [number, number];

/** What a stream is for; the first word of its key, so that no two uses share numbers. */
export const hashDomains = { dropout: 1, initialize: 2, initializeNamed: 3 } as const;

/**
 * Random 32 bits for element `index` of a stream: a pure function of (key, index), with nothing but xor, logical shift
 * and wrap-around 32-bit multiply, so that a tensor program can compute it too. Constants: lowbias32 of C. Wellons.
 *
 *     x = index ^ k0
 *     x = (x ^ x >>> 16) * 0x7feb352d
 *     x = x ^ k1
 *     x = (x ^ x >>> 15) * 0x846ca68b
 *     x = x ^ x >>> 16
 *
 * @returns a signed 32-bit integer
 */
export function counterHash(k0: number, k1: number, index: number): number {
  let x = index ^ k0;
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d) ^ k1;
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
  return x ^ (x >>> 16);
}

/** The key of the stream named by some 32-bit words; a word more or less, or in another place, gives another stream. */
export function hashKey(...words: readonly number[]): HashKey {
  return [chain(0x243f6a88, words), chain(0x85a308d3, words)];
}

function chain(start: number, words: readonly number[]): number {
  return words.reduce((state, word) => counterHash(0, state, (state ^ word) + 0x9e3779b9), start);
}
