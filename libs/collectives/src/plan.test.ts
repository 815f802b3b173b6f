import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sliceOf } from './plan.ts';
import { unitElements } from './wasm/kernels.ts';

describe('sliceOf', () => {
  it('cuts the vector into slices at whole units, as even as units allow', () => {
    const lengths = fc.integer({ min: 1, max: 1e9 });
    fc.assert(
      fc.property(lengths, fc.integer({ min: 1, max: 64 }), (vectorLength, numMembers) => {
        let next = 0;
        const sizes = Array.from({ length: numMembers }, (_, index) => {
          const { start, length } = sliceOf(index, numMembers, vectorLength);
          expect(start).toBe(next);
          next += length;
          expect(length === 0 ? 0 : start % unitElements).toBe(0);
          return length;
        });
        expect(next).toBe(vectorLength);
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThan(2 * unitElements);
      }),
    );
  });
});
