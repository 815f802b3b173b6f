type Uints = Uint16Array | Uint32Array;

/** An array of unsigned integers, of 16 bits each until one needs 32. It grows by pieces, so that it is never in memory twice. */
export class GrowableUints {
  /** All full but the last. */
  readonly #pieces: Uints[] = [];
  #numInLast = 0;
  #isWide = false;

  get length(): number {
    const last = this.#pieces.at(-1);
    return (
      this.#pieces.reduce((sum, { length }) => sum + length, this.#numInLast) - (last?.length ?? 0)
    );
  }

  get bytesPerItem(): number {
    return this.#isWide ? 4 : 2;
  }

  push(item: number): void {
    if (item > 0xffff) this.widen();
    this.#roomy()[this.#numInLast++] = item;
  }

  append(items: ArrayLike<number>): void {
    if (!this.#isWide && hasWide(items)) this.widen();
    for (let start = 0; start < items.length;) {
      const piece = this.#roomy();
      const end = Math.min(items.length, start + piece.length - this.#numInLast);
      while (start < end) piece[this.#numInLast++] = items[start++]!;
    }
  }

  /** Gives each item 32 bits. */
  widen(): void {
    if (this.#isWide) return;
    this.#isWide = true;
    for (const [index, piece] of this.#pieces.entries())
      this.#pieces[index] = Uint32Array.from(piece);
  }

  /** The items as little-endian bytes, one piece after the other; views, valid until the next change. */
  bytes(): Uint8Array[] {
    return this.#pieces.map(({ buffer, byteLength }, index) => {
      const isLast = index === this.#pieces.length - 1;
      return new Uint8Array(buffer, 0, isLast ? this.bytesPerItem * this.#numInLast : byteLength);
    });
  }

  /** The last piece, which has room for one more. */
  #roomy(): Uints {
    const last = this.#pieces.at(-1);
    if (last !== undefined && this.#numInLast < last.length) return last;
    const length = Math.min(mostInPiece, 2 * (last?.length ?? fewestInPiece / 2));
    const piece = this.#isWide ? new Uint32Array(length) : new Uint16Array(length);
    this.#pieces.push(piece);
    this.#numInLast = 0;
    return piece;
  }
}

const fewestInPiece = 1_024;
const mostInPiece = 2 ** 20;

function hasWide(items: ArrayLike<number>): boolean {
  if (items instanceof Uint16Array) return false;
  for (let index = 0; index < items.length; index++) if (items[index]! > 0xffff) return true;
  return false;
}
