/** A growing set of step numbers, a bit each. */
export class StepSet {
  #bits = new Uint8Array(1_024);
  #size = 0;
  #max = -1;

  get size(): number {
    return this.#size;
  }

  /** The greatest step; -1 when empty. */
  get max(): number {
    return this.#max;
  }

  has(step: number): boolean {
    return ((this.#bits[step >> 3] ?? 0) & (1 << (step & 7))) !== 0;
  }

  /** @returns false when it was there already */
  add(step: number): boolean {
    if (this.has(step)) return false;
    const index = step >> 3;
    if (index >= this.#bits.length) {
      const grown = new Uint8Array(Math.max(index + 1, 2 * this.#bits.length));
      grown.set(this.#bits);
      this.#bits = grown;
    }
    this.#bits[index] = (this.#bits[index] ?? 0) | (1 << (step & 7));
    this.#size++;
    this.#max = Math.max(this.#max, step);
    return true;
  }
}
