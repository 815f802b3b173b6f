import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { sha256InTurns } from './digest.ts';
import { equalsBody, partOf, sizeOf } from './object-body.ts';

const pieces = fc.array(fc.uint8Array({ maxLength: 9 }), { maxLength: 6 });

it('is the bytes of its pieces', async () => {
  await fc.assert(
    fc.asyncProperty(pieces, fc.nat(60), fc.nat(60), async (body, a, b) => {
      const whole = Buffer.concat(body);
      const [start = 0, end = 0] = [a, b].sort((x, y) => x - y);
      expect(sizeOf(body)).toBe(whole.byteLength);
      expect(Buffer.concat(partOf(body, start, end))).toEqual(whole.subarray(start, end));
      expect(await sha256InTurns(body)).toBe(await sha256InTurns(whole));
      expect(equalsBody(whole, body)).toBe(true);
      expect(equalsBody(Buffer.concat([whole, Buffer.of(0)]), body)).toBe(false);
      if (whole.byteLength === 0) return;
      expect(equalsBody(whole.subarray(1), body)).toBe(false);
      const other = Buffer.from(whole);
      other[a % whole.byteLength]! ^= 1;
      expect(equalsBody(other, body)).toBe(false);
    }),
  );
});
