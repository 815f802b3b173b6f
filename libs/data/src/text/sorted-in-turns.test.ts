import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { sortedInTurns } from './sorted-in-turns.ts';

it('sorts as the engine does, equal ones as they came', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: 70_000 }), fc.nat(), async (length, seed) => {
      const items = Array.from(
        { length },
        (_, place) => [Math.imul(place + seed, 0x9e37_79b1) >>> 20, place] as const,
      );
      const compare = (a: readonly number[], b: readonly number[]): number => a[0]! - b[0]!;
      expect(await sortedInTurns(items, compare)).toEqual(items.toSorted(compare));
    }),
    {
      numRuns: 8,
      examples: [
        [0, 0],
        [8_192, 1],
        [8_193, 1],
        [24_577, 3],
      ],
    },
  );
});
