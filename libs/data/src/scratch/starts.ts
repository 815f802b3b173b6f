import type { NumberArray, Stretches } from './stretches.ts';

/** Where things of different lengths begin that lie one after the other. 2 bytes each, and a little. */
export interface Starts {
  /** How long each is. */
  readonly counts: Uint16Array;
  /** Where the last one ends. */
  readonly end: number;
  /** Where one begins. */
  at(index: number): number;
  /** The same, over no other's bytes. */
  copy(): Starts;
}

/** Starts that are remembered lie this far apart; those between are summed. */
const stride = 32;

/** @param counts - how long each is */
export function createStarts(counts: Uint16Array): Starts {
  const known = new Float64Array(Math.ceil(counts.length / stride));
  let end = 0;
  for (let index = 0; index < counts.length; index++) {
    if (index % stride === 0) known[index / stride] = end;
    end += counts[index]!;
  }
  return {
    counts,
    end,
    at(index) {
      const first = index - (index % stride);
      let start = known[first / stride] ?? end;
      for (let before = first; before < index; before++) start += counts[before]!;
      return start;
    },
    copy: () => createStarts(counts.slice()),
  };
}

/** The numbers of one of them. */
export function stretchOf<T extends NumberArray>(
  numbers: Stretches<T>,
  starts: Starts,
  index: number,
): T {
  const start = starts.at(index);
  return numbers.subarray(start, start + starts.counts[index]!);
}
