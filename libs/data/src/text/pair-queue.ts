import type { PairTable } from './pair-table.ts';

/** Pairs of a table in the order in which they are merged: the most frequent first, of equal ones that of the lower left id, then of the lower right id. */
export class PairQueue {
  readonly #pairs: PairTable;
  // A binary heap of pairs and of the frequencies that they had when they came in.
  #pair = new Int32Array(1 << 10);
  #frequency = new Float64Array(1 << 10);
  #size = 0;

  constructor(pairs: PairTable) {
    this.#pairs = pairs;
  }

  /** Puts a pair in by its frequency now; it may be in it already. */
  push(pair: number): void {
    if (this.#size === this.#pair.length) this.#grow();
    const frequency = this.#pairs.frequency[pair]!;
    let hole = this.#size++;
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      if (!this.#isBefore(pair, frequency, parent)) break;
      this.#move(parent, hole);
      hole = parent;
    }
    this.#pair[hole] = pair;
    this.#frequency[hole] = frequency;
  }

  /** Takes out the pair that is first now, if it occurs `minFrequency` times. Pairs that became more frequent must have been put in again. */
  pop(minFrequency: number): number | undefined {
    while (this.#size > 0) {
      const pair = this.#pair[0]!;
      const then = this.#frequency[0]!;
      this.#removeFirst();
      const now = this.#pairs.frequency[pair]!;
      if (now < minFrequency) continue;
      if (now === then) return pair;
      if (now < then) this.push(pair);
    }
    return undefined;
  }

  #removeFirst(): void {
    const last = --this.#size;
    if (last === 0) return;
    const pair = this.#pair[last]!;
    const frequency = this.#frequency[last]!;
    let hole = 0;
    for (let child = 1; child < last; child = 2 * hole + 1) {
      const right = child + 1;
      if (right < last && this.#isBefore(this.#pair[right]!, this.#frequency[right]!, child))
        child = right;
      if (this.#isBefore(pair, frequency, child)) break;
      this.#move(child, hole);
      hole = child;
    }
    this.#pair[hole] = pair;
    this.#frequency[hole] = frequency;
  }

  #isBefore(pair: number, frequency: number, index: number): boolean {
    if (frequency !== this.#frequency[index]!) return frequency > this.#frequency[index]!;
    const other = this.#pair[index]!;
    const { left, right } = this.#pairs;
    return left[pair] === left[other] ? right[pair]! < right[other]! : left[pair]! < left[other]!;
  }

  #move(from: number, to: number): void {
    this.#pair[to] = this.#pair[from]!;
    this.#frequency[to] = this.#frequency[from]!;
  }

  #grow(): void {
    const pair = new Int32Array(2 * this.#pair.length);
    pair.set(this.#pair);
    this.#pair = pair;
    const frequency = new Float64Array(2 * this.#frequency.length);
    frequency.set(this.#frequency);
    this.#frequency = frequency;
  }
}
