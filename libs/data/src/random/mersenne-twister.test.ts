import { describe, expect, it } from 'vitest';
import { MersenneTwister } from './mersenne-twister.ts';
import { shuffle } from './random-source.ts';

// Printed by CPython 3.11: three random(), five randint(2, 125), two randint(0, 0xfffffffe), shuffle(range(10)),
// and one random() after 2,000 more.
const golden = [
  {
    seed: 0,
    reals: [0.8444218515250481, 0.7579544029403025, 0.420571580830845],
    small: [35, 125, 67, 64, 53],
    large: [3943786419, 3366389305],
    shuffled: [2, 0, 3, 8, 6, 1, 9, 5, 7, 4],
    later: 0.8974127740001726,
  },
  {
    seed: 12345,
    reals: [0.41661987254534116, 0.010169169457068361, 0.8252065092537432],
    small: [40, 111, 49, 121, 26],
    large: [1160692746, 2430986565],
    shuffled: [7, 9, 4, 1, 8, 3, 0, 5, 2, 6],
    later: 0.7375146403300306,
  },
  {
    seed: 4294967295,
    reals: [0.6353574441341173, 0.20319993954407756, 0.6073666030347188],
    small: [39, 79, 45, 125, 50],
    large: [2887748879, 2957395405],
    shuffled: [8, 2, 6, 9, 1, 0, 3, 7, 5, 4],
    later: 0.6781528656505895,
  },
];

describe('MersenneTwister', () => {
  it.each(golden)('draws what CPython draws from seed $seed', (expected) => {
    const random = new MersenneTwister(expected.seed);
    expect(expected.reals.map(() => random.random())).toEqual(expected.reals);
    expect(expected.small.map(() => random.randint(2, 125))).toEqual(expected.small);
    expect(expected.large.map(() => random.randint(0, 0xffff_fffe))).toEqual(expected.large);
    const items = [...expected.shuffled.keys()];
    shuffle(items, random);
    expect(items).toEqual(expected.shuffled);
    for (let i = 0; i < 2000; i++) random.random();
    expect(random.random()).toBe(expected.later);
  });

  // Printed by CPython 3.11: getrandbits(32) three times, then random().
  it.each([
    { seed: 4_294_967_301, words: [675479763, 2085189291, 1213270837], later: 0.8899258643720599 },
    { seed: -7, words: [1390851128, 4071050724, 647892279], later: 0.3948234964231735 },
    { seed: 2 ** 53 - 1, words: [404802386, 2407860725, 957238923], later: 0.7525835200499853 },
  ])('uses a seed of more than 32 bits, or below 0, as CPython: $seed', (expected) => {
    const random = new MersenneTwister(expected.seed);
    // Of 32 bits a width of 2^32 - 1 rejects only the largest word.
    expect(expected.words.map(() => random.randint(0, 0xffff_fffe))).toEqual(expected.words);
    expect(random.random()).toBe(expected.later);
  });

  it.each([2 ** 53, 0.5, Number.NaN])('refuses %d, which is no exact integer', (seed) => {
    expect(() => new MersenneTwister(seed)).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' }),
    );
  });
});
