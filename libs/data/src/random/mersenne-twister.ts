import { BerthError } from '@berth/contracts';
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

  /**
   * @param seed - used in full, but for its sign, as CPython does
   * @throws BerthError `CONFIG_INVALID` for what is no exact integer
   */
  constructor(seed: number) {
    const key = keyOf(seed);
    const state = this.#state;
    state[0] = 19_650_218;
    for (let i = 1; i < stateSize; i++) state[i] = Math.imul(1_812_433_253, mixed(state, i)) + i;

    let i = 1;
    for (let k = 0; k < stateSize; k++) {
      const j = k % key.length;
      state[i] = (state[i]! ^ Math.imul(mixed(state, i), 1_664_525)) + key[j]! + j;
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

/** The words of an integer's magnitude, the lowest first. */
function keyOf(seed: number): readonly number[] {
  if (!Number.isSafeInteger(seed))
    throw new BerthError('CONFIG_INVALID', `seed ${seed} is no integer below 2^53 in magnitude`);
  const [low, high] = [Math.abs(seed) % 2 ** 32, Math.floor(Math.abs(seed) / 2 ** 32)];
  return high === 0 ? [low] : [low, high];
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
