/** An array of unsigned 16-bit integers that doubles its room when it is full. */
export class GrowableUint16 {
  #items = new Uint16Array(1024);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(item: number): void {
    this.#reserve(1);
    this.#items[this.#length++] = item;
  }

  append(items: ArrayLike<number>): void {
    this.#reserve(items.length);
    this.#items.set(items, this.#length);
    this.#length += items.length;
  }

  /** The items as little-endian bytes; a view, valid until the next change. */
  bytes(): Uint8Array {
    return new Uint8Array(this.#items.buffer, 0, 2 * this.#length);
  }

  #reserve(numMore: number): void {
    const needed = this.#length + numMore;
    if (needed <= this.#items.length) return;
    const larger = new Uint16Array(Math.max(needed, 2 * this.#items.length));
    larger.set(this.#items);
    this.#items = larger;
  }
}
