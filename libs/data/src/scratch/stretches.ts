/** Arrays of numbers that shards are made of. */
export type NumberArray = Uint16Array | Uint32Array | Float32Array;

/** Numbers that are read in stretches, wherever they are: an array is one. */
export interface Stretches<T extends NumberArray = NumberArray> {
  readonly length: number;
  /** Numbers [start, end), as of an array. What is returned is not to be changed. */
  subarray(start?: number, end?: number): T;
}

/** Puts numbers where they are to be kept; what is kept already stays there. */
export type KeepNumbers = <T extends NumberArray>(numbers: Stretches<T>) => Promise<Stretches<T>>;
