/** An array of unsigned integers, of 16 bits each until one needs 32, that doubles its room when it is full. */
export class GrowableUints {
  #items: Uint16Array | Uint32Array = new Uint16Array(1024);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  get bytesPerItem(): number {
    return this.#items.BYTES_PER_ELEMENT;
  }

  push(item: number): void {
    if (item > 0xffff) this.widen();
    this.#reserve(1);
    this.#items[this.#length++] = item;
  }

  append(items: ArrayLike<number>): void {
    if (this.bytesPerItem === 2 && hasWide(items)) this.widen();
    this.#reserve(items.length);
    this.#items.set(items, this.#length);
    this.#length += items.length;
  }

  /** Gives each item 32 bits. */
  widen(): void {
    if (this.bytesPerItem === 2) this.#items = Uint32Array.from(this.#items);
  }

  /** The items as little-endian bytes; a view, valid until the next change. */
  bytes(): Uint8Array {
    return new Uint8Array(this.#items.buffer, 0, this.bytesPerItem * this.#length);
  }

  #reserve(numMore: number): void {
    const needed = this.#length + numMore;
    const items = this.#items;
    if (needed <= items.length) return;
    const length = Math.max(needed, 2 * items.length);
    this.#items = items instanceof Uint16Array ? new Uint16Array(length) : new Uint32Array(length);
    this.#items.set(items);
  }
}

function hasWide(items: ArrayLike<number>): boolean {
  if (items instanceof Uint16Array) return false;
  for (let index = 0; index < items.length; index++) if (items[index]! > 0xffff) return true;
  return false;
}
