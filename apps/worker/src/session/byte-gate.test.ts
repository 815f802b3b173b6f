import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { createByteGate } from './byte-gate.ts';

it('lets in no more bytes than fit, each in its turn, and what is too large alone', async () => {
  const sizes = fc.array(fc.integer({ min: 0, max: 15 }), { maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(sizes, fc.integer({ min: 1, max: 10 }), async (sizes, maxBytes) => {
      const gate = createByteGate(maxBytes);
      const begun: number[] = [];
      const crowds: { readonly total: number; readonly numInside: number }[] = [];
      const inside = new Set<number>();
      const works = sizes.map((numBytes, index) =>
        gate(numBytes, async () => {
          begun.push(index);
          inside.add(index);
          const within = [...inside].map((one) => sizes[one]!).filter((size) => size > 0);
          const total = within.reduce((sum, size) => sum + size, 0);
          crowds.push({ total, numInside: within.length });
          for (let turn = 0; turn < index % 4; turn++) await Promise.resolve();
          inside.delete(index);
          if (index % 3 === 0) throw new Error('failed');
        }),
      );
      const settled = await Promise.allSettled(works);
      expect(settled.map(({ status }) => status === 'rejected')).toEqual(
        sizes.map((_, index) => index % 3 === 0),
      );
      expect(crowds.filter((one) => one.total > maxBytes && one.numInside > 1)).toEqual([]);
      expect(begun).toEqual([...sizes.keys()]);
    }),
  );
});
