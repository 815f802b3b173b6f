import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addToDigest, digestHex, vectorDigest } from './digest.ts';

const anyBits = fc.uint32Array({ minLength: 1, maxLength: 64 });
const asFloats = (bits: Uint32Array): Float32Array => new Float32Array(bits.slice().buffer);

describe('vector digest', () => {
  it('keeps its recorded values', () => {
    expect(vectorDigest(new Float32Array(0))).toBe('0000000000000000');
    expect(vectorDigest(Float32Array.of(1))).toBe('8131abe1e258db73');
    expect(vectorDigest(Float32Array.from({ length: 1000 }, (_, i) => Math.fround(i / 7)))).toBe(
      'bda996f7ff3a42c0',
    );
  });

  it('is the sum over slices, in any cut and order, whatever the bits', () => {
    fc.assert(
      fc.property(anyBits, fc.nat(), fc.nat(), (bits, a, b) => {
        const vector = asFloats(bits);
        const [from, to] = [a % (bits.length + 1), b % (bits.length + 1)].sort((x, y) => x - y);
        const sums = new Uint32Array(2);
        addToDigest(sums, vector.subarray(to), to!);
        addToDigest(sums, vector.subarray(0, from), 0);
        addToDigest(sums, vector.subarray(from, to), from!);
        expect(digestHex(sums)).toBe(vectorDigest(vector));
      }),
    );
  });

  it('changes with any change of one element', () => {
    fc.assert(
      fc.property(anyBits, fc.nat(), fc.integer({ min: 0, max: 31 }), (bits, at, bit) => {
        const changed = bits.slice();
        changed[at % bits.length]! ^= 1 << bit;
        expect(vectorDigest(asFloats(changed))).not.toBe(vectorDigest(asFloats(bits)));
      }),
    );
  });

  it('changes when two different elements trade places', () => {
    const vector = Float32Array.of(1.5, -2.25, 3);
    expect(vectorDigest(Float32Array.of(-2.25, 1.5, 3))).not.toBe(vectorDigest(vector));
  });

  it('tells 0 from -0', () => {
    expect(vectorDigest(Float32Array.of(-0))).not.toBe(vectorDigest(Float32Array.of(0)));
  });
});
