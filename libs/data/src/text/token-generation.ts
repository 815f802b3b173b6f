import { ChunkTable } from './chunk-table.ts';

/** The tokens of as many chunks as it has room for, and something about those of each. */
export class TokenGeneration<T> {
  readonly table: ChunkTable;
  readonly #about: T[] = [];
  /** Where the ids of each chunk begin, one after another. */
  readonly #starts: Uint32Array;
  #ids: Int32Array;

  constructor(capacity: number) {
    this.table = new ChunkTable(capacity);
    this.#starts = new Uint32Array(capacity + 1);
    this.#ids = new Int32Array(4 * capacity);
  }

  /** Appends the ids of a chunk by its number. @returns what is remembered about them */
  append(chunk: number, all: number[]): T {
    const ids = this.#ids;
    const end = this.#starts[chunk + 1]!;
    for (let at = this.#starts[chunk]!; at < end; at++) all.push(ids[at]!);
    return this.#about[chunk]!;
  }

  idsOf(chunk: number): number[] {
    return Array.from(this.#ids.subarray(this.#starts[chunk], this.#starts[chunk + 1]));
  }

  aboutOf(chunk: number): T {
    return this.#about[chunk]!;
  }

  /** Remembers a chunk that it does not know, if there is a place for it. */
  add(
    text: string,
    from: number,
    to: number,
    hash: number,
    ids: readonly number[],
    about: T,
  ): void {
    const chunk = this.table.add(text, from, to, hash);
    if (chunk < 0) return;
    const start = this.#starts[chunk]!;
    const end = start + ids.length;
    if (end > this.#ids.length) {
      const larger = new Int32Array(2 * end);
      larger.set(this.#ids);
      this.#ids = larger;
    }
    this.#ids.set(ids, start);
    this.#starts[chunk + 1] = end;
    this.#about.push(about);
  }
}
