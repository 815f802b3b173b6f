import { describe, expect, it } from 'vitest';
import * as fc from 'fast-check';
import { CounterRandom, philox } from './counter-random.ts';

// Known answers of Random123, the authors' implementation.
const knownAnswers = [
  { counter: [0, 0, 0, 0], key: [0, 0], words: [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8] },
  {
    counter: [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
    key: [0xffffffff, 0xffffffff],
    words: [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
  },
  {
    counter: [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
    key: [0xa4093822, 0x299f31d0],
    words: [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
  },
] as const;

describe('philox', () => {
  it.each(knownAnswers)('gives the known answer for $counter', ({ counter, key, words }) => {
    const block = Uint32Array.from(counter);
    philox(block, key[0], key[1]);
    expect([...block]).toEqual(words);
  });
});

describe('CounterRandom', () => {
  const path = fc.array(fc.integer({ min: 0, max: 0xffff_ffff }), { maxLength: 4 });
  const drawFour = (random: CounterRandom): number[] => [0, 0, 0, 0].map(() => random.random());

  it('gives a stream that depends on its path alone, not on what others drew', () => {
    fc.assert(
      fc.property(fc.nat(), path, fc.nat(), fc.nat(100), (seed, words, last, numDrawn) => {
        const parent = CounterRandom.of(seed, ...words);
        for (let i = 0; i < numDrawn; i++) parent.random();
        const child = drawFour(parent.child(last));
        expect(child).toEqual(drawFour(CounterRandom.of(seed, ...words, last)));
      }),
    );
  });

  it('gives different streams for different paths', () => {
    const streams = [[], [0], [1], [0, 0], [0, 1], [1, 0], [0, 0, 0]].map((words) =>
      drawFour(CounterRandom.of(0, ...words)).join(),
    );
    streams.push(drawFour(CounterRandom.of(1)).join());
    expect(new Set(streams).size).toBe(streams.length);
  });

  it('keeps integers within their bounds, also for widths near 2^32', () => {
    const bounds = fc.tuple(fc.nat(0xffff_ffff), fc.nat(0xffff_ffff));
    fc.assert(
      fc.property(fc.nat(), bounds, (seed, [x, y]) => {
        const low = Math.min(x, y);
        const high = Math.min(Math.max(x, y), low + 0xffff_fffe);
        const value = CounterRandom.of(seed).randint(low, high);
        expect(value).toBeGreaterThanOrEqual(low);
        expect(value).toBeLessThanOrEqual(high);
      }),
    );
  });

  it('draws reals and integers evenly', () => {
    const random = CounterRandom.of(7, 1, 2, 3);
    const reals = Array.from({ length: 10 }, () => 0);
    const integers = Array.from({ length: 10 }, () => 0);
    for (let i = 0; i < 100_000; i++) {
      const bin = Math.floor(random.random() * 10);
      const integer = random.randint(0, 9);
      reals[bin] = (reals[bin] ?? 0) + 1;
      integers[integer] = (integers[integer] ?? 0) + 1;
    }
    // 27.88 is the 0.999 quantile of chi squared with 9 degrees of freedom.
    const chiSquared = (counts: readonly number[]): number =>
      counts.reduce((sum, count) => sum + (count - 10_000) ** 2 / 10_000, 0);
    expect(chiSquared(reals)).toBeLessThan(27.88);
    expect(chiSquared(integers)).toBeLessThan(27.88);
  });

  it.each([2 ** 32, -1, 0.5, Number.NaN])('refuses the seed %d rather than cutting it', (seed) => {
    expect(() => CounterRandom.of(seed)).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' }),
    );
  });
});
