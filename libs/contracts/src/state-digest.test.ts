import { describe, expect, it } from 'vitest';
import { numStateSlices, stateDigest, stateRange } from './state-digest.ts';

function stateOf(length: number) {
  const vector = (factor: number): Float32Array =>
    Float32Array.from({ length }, (_, index) => Math.sin(index + 1) * factor);
  return { weights: vector(1), firstMoments: vector(0.1), secondMoments: vector(0.01) };
}

describe('the slices of a state', () => {
  it.each([1, 63, 64, 65, 1_000, 12_345])('of %i parameters cover each once', (length) => {
    const ranges = Array.from({ length: numStateSlices }, (_, slice) => stateRange(length, slice));
    expect(ranges[0]?.start).toBe(0);
    expect(ranges.at(-1)?.end).toBe(length);
    for (const [slice, { start }] of ranges.slice(1).entries())
      expect(start).toBe(ranges[slice]?.end);
  });

  it('have digests that add up to that of the whole', () => {
    const state = stateOf(1_003);
    const sums = [0, 0];
    for (let slice = 0; slice < numStateSlices; slice++) {
      const digest = stateDigest(state, slice);
      [0, 1].forEach((word) => {
        const sum = Number.parseInt(digest.slice(8 * word, 8 * word + 8), 16);
        sums[word] = (sums[word]! + sum) >>> 0;
      });
    }
    const total = sums.map((sum) => sum.toString(16).padStart(8, '0')).join('');
    expect(total).toBe(stateDigest(state));
  });

  it('tell vectors apart: values that change places change the digest', () => {
    const { weights, firstMoments, secondMoments } = stateOf(100);
    const swapped = { weights, firstMoments: secondMoments, secondMoments: firstMoments };
    expect(stateDigest(swapped)).not.toBe(stateDigest({ weights, firstMoments, secondMoments }));
  });
});
