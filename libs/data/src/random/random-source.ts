/** Where the example algorithm takes its chances from: CPython's generator in Google mode, a counter-based one otherwise. */
export interface RandomSource {
  /** Uniform in [0, 1). */
  random(): number;
  /** Uniform integer in [low, high], both ends included. */
  randint(low: number, high: number): number;
}

interface MutableArrayLike<T> {
  readonly length: number;
  [index: number]: T;
}

/** Fisher-Yates from the last element down, in place: the draws of CPython's `random.shuffle`. */
export function shuffle<T>(items: MutableArrayLike<T>, source: RandomSource): void {
  for (let i = items.length - 1; i > 0; i--) {
    const j = source.randint(0, i);
    const item = items[i]!;
    items[i] = items[j]!;
    items[j] = item;
  }
}
