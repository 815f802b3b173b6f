import type { DataView } from '@berth/contracts';

/** Counts lengths in bins that double: from 1, 2, 4, 8 on. */
export function createLengths(): {
  readonly add: (length: number) => void;
  readonly bins: () => DataView['documentLengths'];
} {
  const counts: number[] = [];
  return {
    add(length) {
      const bin = length === 0 ? 0 : Math.floor(Math.log2(length)) + 1;
      counts[bin] = (counts[bin] ?? 0) + 1;
    },
    bins: () =>
      Array.from({ length: counts.length }, (_, bin) => ({
        from: bin === 0 ? 0 : 2 ** (bin - 1),
        to: 2 ** bin,
        count: counts[bin] ?? 0,
      })).slice(
        Math.max(
          0,
          counts.findIndex((count) => count > 0),
        ),
      ),
  };
}
