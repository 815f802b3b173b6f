import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addFlushed } from '../reduce/add-flushed.ts';
import { addToDigest } from '../reduce/digest.ts';
import { addNodes } from '../reduce/dtype.ts';
import { createKernels, pageBytes } from './kernels.ts';

const { memory, add, digest } = createKernels();
memory.grow(3);
const floats = (address: number, count: number): Float32Array =>
  new Float32Array(memory.buffer, address, count);
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
        add.fp32(targetAt, leftAt, rightAt, left.length);
        const expected = Float32Array.from(left, (value, i) => addFlushed(value, right[i]!));
        expect(floats(targetAt, left.length).slice()).toEqual(expected);
      }),
    );
  });

  it('takes subnormals for zeros, as TensorFlow does, and keeps signs', () => {
    floats(64, 5).set([2 ** -127, -0, -(2 ** -130), -(2 ** -126), 2 ** -126]);
    floats(128, 5).set([2 ** -127, -0, -(2 ** -131), 1.5 * 2 ** -126, 2 ** -130]);
    add.fp32(64, 64, 128, 5);
    expect(bitsOf(floats(64, 5))).toEqual(bitsOf(Float32Array.of(0, -0, -0, 0, 2 ** -126)));
  });
});

const anyHalves = fc.integer({ min: 1, max: 200 }).chain((length) => {
  const halves = fc.uint16Array({ minLength: length, maxLength: length });
  return fc.tuple(halves, halves);
});
const bf16ToFp32 = (halves: Uint16Array): Float32Array =>
  new Float32Array(Uint32Array.from(halves, (half) => half << 16).buffer);
const halvesAt = (address: number, count: number): Uint16Array =>
  new Uint16Array(memory.buffer, address, count);

describe('bf16 add kernel', () => {
  it('adds any bits as the reference does', () => {
    fc.assert(
      fc.property(anyHalves, fc.boolean(), ([left, right], inPlace) => {
        const [leftAt, rightAt] = [pageBytes, 2 * pageBytes];
        const targetAt = inPlace ? leftAt : 64;
        halvesAt(leftAt, left.length).set(left);
        halvesAt(rightAt, right.length).set(right);
        add.bf16(targetAt, leftAt, rightAt, left.length);
        const [leftValues, rightValues] = [bf16ToFp32(left), bf16ToFp32(right)];
        const expected = leftValues.map((value, i) => addNodes('bf16', value, rightValues[i]!));
        // Which NaN a sum of NaNs is, hardware decides; numbers must agree to the bit.
        expect(bf16ToFp32(halvesAt(targetAt, left.length))).toEqual(expected);
      }),
      { numRuns: 500 },
    );
  });

  it('flushes as the reference does, whatever two of the smallest numbers are added', () => {
    const smallest = Uint16Array.from({ length: 9 * 128 }, (_, half) => half);
    const signed = Uint16Array.from([...smallest, ...smallest.map((half) => half | 0x8000)]);
    const [leftAt, rightAt] = [pageBytes, 2 * pageBytes];
    halvesAt(rightAt, signed.length).set(signed);
    const rightValues = bf16ToFp32(signed);
    for (const half of smallest) {
      halvesAt(leftAt, signed.length).fill(half);
      add.bf16(64, leftAt, rightAt, signed.length);
      const [leftValue = 0] = bf16ToFp32(Uint16Array.of(half));
      const expected = rightValues.map((value) => addNodes('bf16', leftValue, value));
      const sums = bitsOf(bf16ToFp32(halvesAt(64, signed.length)));
      expect(Buffer.compare(Buffer.from(sums.buffer), Buffer.from(bitsOf(expected).buffer))).toBe(
        0,
      );
    }
  });

  it('rounds ties to even', () => {
    const halves = (values: number[]): Uint16Array =>
      Uint16Array.from(bitsOf(Float32Array.from(values)), (bits) => bits >>> 16);
    halvesAt(64, 3).set(halves([1, 1 + 2 ** -7, 2 ** 127 * 1.9921875]));
    halvesAt(128, 3).set(halves([2 ** -8, 2 ** -8, 2 ** 127 * 1.9921875]));
    add.bf16(64, 64, 128, 3);
    expect([...bf16ToFp32(halvesAt(64, 3))]).toEqual([1, 1 + 2 ** -6, Infinity]);
  });
});

describe('digest kernel', () => {
  it('equals the plain digest for any bits, length and first index', () => {
    const bits = fc.uint32Array({ minLength: 1, maxLength: 300 });
    fc.assert(
      fc.property(bits, fc.integer({ min: 0, max: 2 ** 30 }), (pattern, firstIndex) => {
        new Uint32Array(memory.buffer, pageBytes, pattern.length).set(pattern);
        const sums = new Uint32Array(memory.buffer, 0, 2);
        sums.set([7, 0xffff_fff0]);
        const expected = sums.slice();
        addToDigest(expected, new Float32Array(pattern.slice().buffer), firstIndex);
        digest(pageBytes, pattern.length, firstIndex, 0);
        expect(sums.slice()).toEqual(expected);
      }),
    );
  });
});
