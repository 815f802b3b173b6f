import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addFlushed } from '../add-flushed.ts';
import { addToDigest } from '../digest.ts';
import { createKernels, pageBytes } from './kernels.ts';

const kernels = createKernels();
kernels.memory.grow(3);
const floats = (address: number, count: number): Float32Array =>
  new Float32Array(kernels.memory.buffer, address, count);
const bitsOf = (vector: Float32Array): Uint32Array =>
  new Uint32Array(vector.buffer, vector.byteOffset, vector.length).slice();

const finite = fc.float({ noNaN: true });
const pair = fc
  .integer({ min: 1, max: 200 })
  .chain((length) =>
    fc.tuple(
      fc.array(finite, { minLength: length, maxLength: length }),
      fc.array(finite, { minLength: length, maxLength: length }),
    ),
  );

describe('add kernel', () => {
  it('adds as the reference does, in place and to a third place', () => {
    fc.assert(
      fc.property(pair, fc.boolean(), ([left, right], inPlace) => {
        const [leftAt, rightAt] = [pageBytes, 2 * pageBytes];
        const targetAt = inPlace ? leftAt : 64;
        floats(leftAt, left.length).set(left);
        floats(rightAt, right.length).set(right);
        kernels.add(targetAt, leftAt, rightAt, left.length);
        const expected = Float32Array.from(left, (value, i) => addFlushed(value, right[i]!));
        expect(floats(targetAt, left.length).slice()).toEqual(expected);
      }),
    );
  });

  it('takes subnormals for zeros, as TensorFlow does, and keeps signs', () => {
    floats(64, 5).set([2 ** -127, -0, -(2 ** -130), -(2 ** -126), 2 ** -126]);
    floats(128, 5).set([2 ** -127, -0, -(2 ** -131), 1.5 * 2 ** -126, 2 ** -130]);
    kernels.add(64, 64, 128, 5);
    expect(bitsOf(floats(64, 5))).toEqual(bitsOf(Float32Array.of(0, -0, -0, 0, 2 ** -126)));
  });
});

describe('digest kernel', () => {
  it('equals the plain digest for any bits, length and first index', () => {
    const bits = fc.uint32Array({ minLength: 1, maxLength: 300 });
    fc.assert(
      fc.property(bits, fc.integer({ min: 0, max: 2 ** 30 }), (pattern, firstIndex) => {
        new Uint32Array(kernels.memory.buffer, pageBytes, pattern.length).set(pattern);
        const sums = new Uint32Array(kernels.memory.buffer, 0, 2);
        sums.set([7, 0xffff_fff0]);
        const expected = sums.slice();
        addToDigest(expected, new Float32Array(pattern.slice().buffer), firstIndex);
        kernels.digest(pageBytes, pattern.length, firstIndex, 0);
        expect(sums.slice()).toEqual(expected);
      }),
    );
  });
});
