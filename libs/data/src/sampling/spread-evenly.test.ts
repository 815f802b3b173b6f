import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { spreadEvenly } from './spread-evenly.ts';

it('gives each document its share of what is chosen, to within one', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 20 }),
      fc.integer({ min: 1, max: 500 }),
      (sizes, count) => {
        const total = sizes.reduce((sum, size) => sum + size, 0);
        const places = spreadEvenly(total, count);
        const numChosen = Math.min(total, count);
        expect(new Set(places).size).toBe(numChosen);
        let start = 0;
        for (const size of sizes) {
          const chosen = places.filter((place) => place >= start && place < start + size).length;
          expect(Math.abs(chosen - (numChosen * size) / total)).toBeLessThan(1);
          start += size;
        }
      },
    ),
  );
});

it('chooses all when there are no more', () => {
  expect(spreadEvenly(3, 3)).toEqual([0, 1, 2]);
  expect(spreadEvenly(3, 9)).toEqual([0, 1, 2]);
  expect(spreadEvenly(0, 9)).toEqual([]);
});
