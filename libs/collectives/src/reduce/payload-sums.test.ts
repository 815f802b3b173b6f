import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { payloadSums } from './payload-sums.ts';
import { chunkBytes } from './plan.ts';
import { randomNumbers } from '../testing/local-mesh.ts';
import { createKernels, pageBytes } from '../wasm/kernels.ts';

const kernels = createKernels();
kernels.memory.grow(chunkBytes / pageBytes);
const address = pageBytes;
const chunk = new Uint32Array(kernels.memory.buffer, address, chunkBytes / 4);
const sumsOfChunk = (numWords = chunk.length): string =>
  kernels.payloadSums(address, numWords, 0).join();

describe('payload sums', () => {
  it('keep their recorded values', () => {
    expect(payloadSums(new Uint32Array(0))).toEqual([3_257_156_238, 952_156_244]);
    expect(payloadSums(Uint32Array.from({ length: 1000 }, (_, i) => i * i))).toEqual([
      885_883_366, 3_687_095_817,
    ]);
  });

  it('are the same from the kernel, for any bits and length', () => {
    const bits = fc.uint32Array({ minLength: 0, maxLength: 300 });
    fc.assert(
      fc.property(bits, (words) => {
        chunk.set(words);
        expect(sumsOfChunk(words.length)).toBe(payloadSums(words).join());
      }),
    );
  });

  it('change with any one bit of a piece', () => {
    const words = Uint32Array.from({ length: 41 }, (_, i) => Math.imul(i, 0x1234_5677));
    const before = payloadSums(words);
    for (let bit = 0; bit < 32 * words.length; bit += 1) {
      const changed = words.slice();
      changed[bit >> 5]! ^= 1 << (bit & 31);
      expect(payloadSums(changed)).not.toEqual(before);
    }
  });

  it.each([
    ['zeros', () => 0],
    ['noise', randomNumbers(1)],
  ])('change with any two bits of a whole chunk of %s', (_, random) => {
    for (const index of chunk.keys()) chunk[index] = random() * 2 ** 32;
    const before = sumsOfChunk();
    const choose = randomNumbers(2);
    const place = (): number => Math.floor(choose() * chunk.length);
    const flip = (index: number, bit: number): void => void (chunk[index]! ^= 1 << bit);
    for (let round = 0; round < 2000; round += 1) {
      const first = place();
      // The same bit, and the same lane: where plain sums are blind.
      const second = (place() & ~7) + (first & 7);
      const bit = Math.floor(choose() * 32);
      if (first === second) continue;
      flip(first, bit);
      flip(second, bit);
      expect(sumsOfChunk()).not.toBe(before);
      flip(first, bit);
      flip(second, bit);
    }
  });

  it('change when words or whole stretches trade places', () => {
    const words = Uint32Array.from({ length: 256 }, (_, i) => Math.imul(i + 1, 0x0101_0101));
    const before = payloadSums(words);
    for (const distance of [1, 2, 8, 16, 64, 128]) {
      const traded = words.slice();
      traded.set(words.subarray(distance, 2 * distance), 0);
      traded.set(words.subarray(0, distance), distance);
      expect(payloadSums(traded)).not.toEqual(before);
    }
  });
});
