// A chunk whose place is taken lies in one of the next; with so many taken it is not kept.
const maxProbes = 16;

/**
 * Numbers different chunks of text from 0 on, at most `capacity` of them. Chunks are compared where they lie in a text: none is
 * cut out of it to be looked up, which would cost more than all else.
 */
export class ChunkTable {
  #size = 0;
  readonly #capacity: number;
  readonly #mask: number;
  /** Two numbers a place: one more than that of the chunk that lies there, and its hash. */
  readonly #places: Int32Array;
  /** Where the code units of each chunk begin, one after another. */
  readonly #starts: Uint32Array;
  #units: Uint16Array;

  constructor(capacity: number) {
    const numPlaces = 2 ** Math.ceil(Math.log2(2 * capacity + 1));
    this.#capacity = capacity;
    this.#mask = numPlaces - 1;
    this.#places = new Int32Array(2 * numPlaces);
    this.#starts = new Uint32Array(capacity + 1);
    this.#units = new Uint16Array(8 * capacity);
  }

  get size(): number {
    return this.#size;
  }

  get isFull(): boolean {
    return this.#size >= this.#capacity;
  }

  /** @returns the number of the chunk that lies there in the text, or -1 where it has none @param hash - by `scanChunks` */
  find(text: string, from: number, to: number, hash: number): number {
    const length = to - from;
    const places = this.#places;
    const units = this.#units;
    for (let probe = 0; probe < maxProbes; probe++) {
      const place = 2 * ((hash + probe) & this.#mask);
      const chunk = places[place]! - 1;
      if (chunk < 0) return -1;
      if (places[place + 1] !== hash) continue;
      const start = this.#starts[chunk]!;
      if (this.#starts[chunk + 1]! - start !== length) continue;
      let same = 0;
      while (same < length && units[start + same] === text.charCodeAt(from + same)) same += 1;
      if (same === length) return chunk;
    }
    return -1;
  }

  /** Gives a chunk that has none the next number. @returns it, or -1 where there is no place for it */
  add(text: string, from: number, to: number, hash: number): number {
    if (this.isFull) return -1;
    const places = this.#places;
    for (let probe = 0; probe < maxProbes; probe++) {
      const place = 2 * ((hash + probe) & this.#mask);
      if (places[place] !== 0) continue;
      const chunk = this.#size++;
      places[place] = chunk + 1;
      places[place + 1] = hash;
      let end = this.#starts[chunk]!;
      this.#reserve(end + to - from);
      for (let at = from; at < to; at++) this.#units[end++] = text.charCodeAt(at);
      this.#starts[chunk + 1] = end;
      return chunk;
    }
    return -1;
  }

  textOf(chunk: number): string {
    return String.fromCharCode(
      ...this.#units.subarray(this.#starts[chunk], this.#starts[chunk + 1]),
    );
  }

  clear(): void {
    this.#size = 0;
    this.#places.fill(0);
  }

  #reserve(numUnits: number): void {
    if (numUnits <= this.#units.length) return;
    const larger = new Uint16Array(2 * numUnits);
    larger.set(this.#units);
    this.#units = larger;
  }
}

const [tab, lineFeed, carriageReturn, space] = [9, 10, 13, 32];

/** Tells where the parts of a text between ASCII spaces and line ends lie, which tokenise independently, and their hashes. */
export function scanChunks(
  text: string,
  tell: (from: number, to: number, hash: number) => void,
): void {
  let from = 0;
  let hash = 0;
  for (let at = 0; at <= text.length; at++) {
    const unit = at < text.length ? text.charCodeAt(at) : space;
    if (unit !== space && unit !== tab && unit !== lineFeed && unit !== carriageReturn) {
      hash = (Math.imul(hash, 31) + unit) | 0;
      continue;
    }
    if (at > from) tell(from, at, spread(hash));
    from = at + 1;
    hash = 0;
  }
}

/** All bits of a hash have a say in its last ones. */
function spread(hash: number): number {
  const mixed = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return mixed ^ (mixed >>> 13);
}
