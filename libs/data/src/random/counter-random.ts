import { BerthError } from '@berth/contracts';
import type { RandomSource } from './random-source.ts';

/** The first word of every stream's path, so that no two uses of chance share numbers. */
export const randomDomains = {
  trainExamples: 1,
  heldOutExamples: 2,
  shardOrder: 3,
  windowOrder: 4,
  documentShard: 5,
  passOrder: 6,
} as const;

/**
 * Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011): ten rounds of
 * multiply and xor turn a counter and a key into four words, in place. No state, so any block can be had in any order.
 */
export function philox(counter: Uint32Array, key0: number, key1: number): void {
  let c0 = counter[0]!;
  let c1 = counter[1]!;
  let c2 = counter[2]!;
  let c3 = counter[3]!;
  let k0 = key0;
  let k1 = key1;
  for (let round = 0; round < 10; round++) {
    const high0 = multiplyHigh(0xd251_1f53, c0);
    const low0 = Math.imul(0xd251_1f53, c0);
    const high1 = multiplyHigh(0xcd9e_8d57, c2);
    const low1 = Math.imul(0xcd9e_8d57, c2);
    c0 = high1 ^ c1 ^ k0;
    c1 = low1;
    c2 = high0 ^ c3 ^ k1;
    c3 = low0;
    k0 = (k0 + 0x9e37_79b9) | 0;
    k1 = (k1 + 0xbb67_ae85) | 0;
  }
  counter[0] = c0;
  counter[1] = c1;
  counter[2] = c2;
  counter[3] = c3;
}

/** Upper 32 bits of the product of two unsigned 32-bit integers; all in 32-bit arithmetic, which engines keep in registers. */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = (Math.imul(aHigh, bLow) + (Math.imul(aLow, bLow) >>> 16)) | 0;
  const carry = (Math.imul(aLow, bHigh) + (middle & 0xffff)) | 0;
  return (Math.imul(aHigh, bHigh) + (middle >>> 16) + (carry >>> 16)) >>> 0;
}

/**
 * A random stream named by a path of integers. Each word of the path hashes the key to a new one, and the stream is
 * Philox over that key: streams with different paths are unrelated, and nothing depends on what was drawn before.
 */
export class CounterRandom implements RandomSource {
  readonly #key0: number;
  readonly #key1: number;
  // Signed, as engines keep small integers in place; words that are left of the block.
  #word1 = 0;
  #word2 = 0;
  #word3 = 0;
  #numBlocks = 0;
  #numLeft = 0;

  private constructor(key0: number, key1: number) {
    this.#key0 = key0;
    this.#key1 = key1;
  }

  /**
   * The stream of a seed and a path; the path starts with one of `randomDomains`.
   * @param seed - unsigned 32-bit integer: a word of the key
   * @throws BerthError `CONFIG_INVALID` for any other seed
   */
  static of(seed: number, ...path: readonly number[]): CounterRandom {
    if (seed >>> 0 !== seed)
      throw new BerthError('CONFIG_INVALID', `seed ${seed} is no integer from 0 to 4294967295`);
    let stream = new CounterRandom(seed, 0);
    for (const word of path) stream = stream.child(word);
    return stream;
  }

  /** The stream whose path has one more word. */
  child(word: number): CounterRandom {
    // The 1 keeps key derivation apart from the stream's own counters.
    fillBlock(word, 1, this.#key0, this.#key1);
    return new CounterRandom(block[0]!, block[1]!);
  }

  random(): number {
    return this.#word() / 2 ** 32;
  }

  /** Exactly uniform: D. Lemire, "Fast random integer generation in an interval" (2019). */
  randint(low: number, high: number): number {
    const width = high - low + 1;
    for (;;) {
      const word = this.#word();
      const rest = Math.imul(word, width) >>> 0;
      if (rest >= width || rest >= 2 ** 32 % width) return low + multiplyHigh(word, width);
    }
  }

  #word(): number {
    switch (this.#numLeft--) {
      case 3:
        return this.#word1 >>> 0;
      case 2:
        return this.#word2 >>> 0;
      case 1:
        return this.#word3 >>> 0;
    }
    fillBlock(this.#numBlocks++, 0, this.#key0, this.#key1);
    this.#word1 = block[1]! | 0;
    this.#word2 = block[2]! | 0;
    this.#word3 = block[3]! | 0;
    this.#numLeft = 3;
    return block[0]!;
  }
}

/** Of whichever stream was asked last: an array for each costs more than what it is filled with. */
const block = new Uint32Array(4);

function fillBlock(first: number, last: number, key0: number, key1: number): void {
  block[0] = first;
  block[1] = 0;
  block[2] = 0;
  block[3] = last;
  philox(block, key0, key1);
}
