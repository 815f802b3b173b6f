import type { RandomSource } from './random-source.ts';

const stateSize = 624;
const shiftSize = 397;

/**
 * CPython's `random.Random(seed)`, draw for draw: MT19937 seeded by `init_by_array`, 53-bit `random()`,
 * and integers by rejection of `getrandbits`.
 * Source: CPython `Modules/_randommodule.c` and `Lib/random.py`.
 */
export class MersenneTwister implements RandomSource {
  readonly #state = new Uint32Array(stateSize);
  #next = stateSize;

  /** @param seed - unsigned 32-bit integer */
  constructor(seed: number) {
    const state = this.#state;
    state[0] = 19_650_218;
    for (let i = 1; i < stateSize; i++) state[i] = Math.imul(1_812_433_253, mixed(state, i)) + i;

    // The key has one word, so its index stays 0 and the two passes wrap once.
    let i = 1;
    for (let k = 0; k < stateSize; k++) {
      state[i] = (state[i]! ^ Math.imul(mixed(state, i), 1_664_525)) + seed;
      i = nextIndex(state, i);
    }
    for (let k = 1; k < stateSize; k++) {
      state[i] = (state[i]! ^ Math.imul(mixed(state, i), 1_566_083_941)) - i;
      i = nextIndex(state, i);
    }
    state[0] = 0x8000_0000;
  }

  random(): number {
    const high = this.#word() >>> 5;
    const low = this.#word() >>> 6;
    return (high * 67_108_864 + low) / 9_007_199_254_740_992;
  }

  randint(low: number, high: number): number {
    const width = high - low + 1;
    const shift = Math.clz32(width);
    let value = this.#word() >>> shift;
    while (value >= width) value = this.#word() >>> shift;
    return low + value;
  }

  #word(): number {
    if (this.#next === stateSize) this.#twist();
    let word = this.#state[this.#next++]!;
    word ^= word >>> 11;
    word ^= (word << 7) & 0x9d2c_5680;
    word ^= (word << 15) & 0xefc6_0000;
    return (word ^ (word >>> 18)) >>> 0;
  }

  #twist(): void {
    const state = this.#state;
    for (let i = 0; i < stateSize; i++) {
      const word = (state[i]! & 0x8000_0000) | (state[(i + 1) % stateSize]! & 0x7fff_ffff);
      const twisted = (word >>> 1) ^ (word & 1 ? 0x9908_b0df : 0);
      state[i] = state[(i + shiftSize) % stateSize]! ^ twisted;
    }
    this.#next = 0;
  }
}

function mixed(state: Uint32Array, i: number): number {
  const previous = state[i - 1]!;
  return previous ^ (previous >>> 30);
}

function nextIndex(state: Uint32Array, i: number): number {
  if (i + 1 < stateSize) return i + 1;
  state[0] = state[stateSize - 1]!;
  return 1;
}
