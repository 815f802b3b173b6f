/** A seeded source of everything that is left to chance. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A whole number below 2^32 (splitmix32). */
  next(): number {
    this.#state = (this.#state + 0x9e37_79b9) >>> 0;
    return mix(this.#state);
  }

  /** In [low, high). */
  between(low: number, high: number): number {
    return low + (this.next() / 2 ** 32) * (high - low);
  }

  chance(ratio: number): boolean {
    return this.next() < ratio * 2 ** 32;
  }

  pick<T>(items: readonly T[]): T | undefined {
    return items[this.next() % Math.max(1, items.length)];
  }
}

/** Mixes the bits of a whole number. */
export function mix(value: number): number {
  let mixed = Math.imul(value ^ (value >>> 16), 0x21f0_aaad);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a_2d97);
  return (mixed ^ (mixed >>> 15)) >>> 0;
}
