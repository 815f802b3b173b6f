import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { GrowableUints } from './growable-uints.ts';

it('has what was put in, as narrow as it fits', () => {
  const number = fc.oneof(fc.nat(0xffff), fc.nat(0xffff_ffff));
  const part = fc.oneof(number, fc.array(number, { maxLength: 3_000, size: 'max' }));
  fc.assert(
    fc.property(fc.array(part, { maxLength: 8 }), (parts) => {
      const uints = new GrowableUints();
      for (const one of parts)
        if (typeof one === 'number') uints.push(one);
        else uints.append(one);
      const all = parts.flat();
      const isWide = all.some((item) => item > 0xffff);
      expect([uints.length, uints.bytesPerItem]).toEqual([all.length, isWide ? 4 : 2]);
      const expected = isWide ? Uint32Array.from(all) : Uint16Array.from(all);
      expect(Buffer.concat(uints.bytes())).toEqual(Buffer.from(expected.buffer));
    }),
    { numRuns: 50 },
  );
});
