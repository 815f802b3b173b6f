import { finish, type Work } from './work.ts';

const initialSize = 1 << 10;
const pairsBetweenPauses = 1 << 16;

/** Pairs of pieces, each with how often it occurs and where. A pair's number is its place in the order in which pairs were found. */
export class PairTable {
  // Of each pair, by number. They are other arrays after `find` has made the table grow.
  left = new Int32Array(initialSize);
  right = new Int32Array(initialSize);
  frequency = new Float64Array(initialSize);
  /** For the user of the table: 0 at first. */
  mark = new Int32Array(initialSize);
  /** The number of its last place, plus 1. */
  #lastPlace = new Int32Array(initialSize);
  #numPairs = 0;
  /** By hash: the number of a pair, plus 1; in the next cell that is free. */
  #cells = new Int32Array(4 * initialSize);

  // Places, as lists that end in 0; those of no pair are one more list.
  #place: Int32Array<ArrayBuffer>;
  #placeBefore: Int32Array<ArrayBuffer>;
  #numPlaces = 0;
  #lastFree = 0;

  /** @param numPlaces - that there will be at first */
  constructor(numPlaces: number) {
    this.#place = new Int32Array(numPlaces + initialSize);
    this.#placeBefore = new Int32Array(numPlaces + initialSize);
  }

  get numPairs(): number {
    return this.#numPairs;
  }

  /** The number of a pair, which gets one if it has none. */
  find(left: number, right: number): number {
    const cells = this.#cells;
    const mask = cells.length - 1;
    let cell = hashOf(left, right) & mask;
    for (let found = cells[cell]!; found !== 0; found = cells[cell]!) {
      if (this.left[found - 1] === left && this.right[found - 1] === right) return found - 1;
      cell = (cell + 1) & mask;
    }
    const pair = this.#numPairs++;
    if (pair === this.left.length) this.#grow();
    this.left[pair] = left;
    this.right[pair] = right;
    cells[cell] = pair + 1;
    if (2 * this.#numPairs > cells.length) finish(this.#hashingAnew(2 * cells.length));
    return pair;
  }

  /** Makes room for so many new pairs, so that finding them does not take long. */
  *making(numPairs: number): Work<void> {
    let { length } = this.#cells;
    while (2 * (this.#numPairs + numPairs) > length) length *= 2;
    if (length > this.#cells.length) yield* this.#hashingAnew(length);
  }

  addPlace(pair: number, place: number): void {
    let number = this.#lastFree;
    if (number !== 0) this.#lastFree = this.#placeBefore[number - 1]!;
    else {
      if (this.#numPlaces === this.#place.length) {
        // Little by little: these are the largest arrays, and each is there twice while it grows.
        this.#place = enlarged(this.#place, 1.25);
        this.#placeBefore = enlarged(this.#placeBefore, 1.25);
      }
      number = ++this.#numPlaces;
    }
    this.#place[number - 1] = place;
    this.#placeBefore[number - 1] = this.#lastPlace[pair]!;
    this.#lastPlace[pair] = number;
  }

  /** All places of a pair, which then has none. */
  takePlaces(pair: number): Int32Array {
    let size = 0;
    let first = 0;
    for (let n = this.#lastPlace[pair]!; n !== 0; n = this.#placeBefore[n - 1]!) {
      first = n;
      size += 1;
    }
    const places = new Int32Array(size);
    for (let n = this.#lastPlace[pair]!; n !== 0; n = this.#placeBefore[n - 1]!)
      places[--size] = this.#place[n - 1]!;
    if (first !== 0) {
      this.#placeBefore[first - 1] = this.#lastFree;
      this.#lastFree = this.#lastPlace[pair]!;
      this.#lastPlace[pair] = 0;
    }
    return places;
  }

  #grow(): void {
    this.left = enlarged(this.left);
    this.right = enlarged(this.right);
    this.mark = enlarged(this.mark);
    this.#lastPlace = enlarged(this.#lastPlace);
    const frequency = new Float64Array(2 * this.frequency.length);
    frequency.set(this.frequency);
    this.frequency = frequency;
  }

  *#hashingAnew(length: number): Work<void> {
    const cells = new Int32Array(length);
    const mask = cells.length - 1;
    for (let pair = 0; pair < this.#numPairs; pair++) {
      let cell = hashOf(this.left[pair]!, this.right[pair]!) & mask;
      while (cells[cell] !== 0) cell = (cell + 1) & mask;
      cells[cell] = pair + 1;
      if (pair % pairsBetweenPauses === 0) yield;
    }
    this.#cells = cells;
  }
}

function hashOf(left: number, right: number): number {
  const mixed = Math.imul(left, 0x9e37_79b1) ^ Math.imul(right, 0x85eb_ca6b);
  return Math.imul(mixed ^ (mixed >>> 15), 0x2c1b_3c6d) >>> 7;
}

function enlarged(items: Int32Array<ArrayBuffer>, factor = 2): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(Math.ceil(factor * items.length));
  larger.set(items);
  return larger;
}
