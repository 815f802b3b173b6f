import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sliceOf } from './plan.ts';

describe('sliceOf', () => {
  it.each([
    ['fp32', 16],
    ['bf16', 32],
  ] as const)(
    'cuts a vector of %s at units of %i elements, as even as they allow',
    (dtype, unitElements) => {
      const lengths = fc.integer({ min: 1, max: 1e9 });
      fc.assert(
        fc.property(lengths, fc.integer({ min: 1, max: 64 }), (vectorLength, numMembers) => {
          let next = 0;
          const sizes = Array.from({ length: numMembers }, (_, index) => {
            const { start, length } = sliceOf(index, numMembers, vectorLength, dtype);
            expect(start).toBe(next);
            next += length;
            expect(length === 0 ? 0 : start % unitElements).toBe(0);
            return length;
          });
          expect(next).toBe(vectorLength);
          expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThan(2 * unitElements);
        }),
      );
    },
  );
});
