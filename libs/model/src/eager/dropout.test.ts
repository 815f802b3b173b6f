import { assert, integer, nat, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { counterHash } from '../counter-hash.ts';
import { dropoutKey, dropoutMask, dropoutSites } from './dropout.ts';

const pass = { seed: 12_345, step: 7, virtualRank: 3, microBatch: 1 };
const site = dropoutSites.attentionOutput(0);

/** The documented formula with 32-bit integers of unlimited precision cut by hand. */
function referenceHash(k0: number, k1: number, index: number): number {
  const word = (value: bigint) => BigInt.asUintN(32, value);
  let x = word(BigInt(index)) ^ word(BigInt(k0));
  x = word((x ^ (x >> 16n)) * 0x7feb352dn);
  x ^= word(BigInt(k1));
  x = word((x ^ (x >> 15n)) * 0x846ca68bn);
  return Number(BigInt.asIntN(32, x ^ (x >> 16n)));
}

describe('dropout masks', () => {
  it('follow the test vector', () => {
    const key = dropoutKey(pass, site);
    expect(key).toEqual([158_264_628, -1_835_312_182]);
    const hashes = [0, 1, 2, 3].map((index) => counterHash(key[0], key[1], index));
    expect(hashes).toEqual([1_133_417_751, -119_383_446, -1_972_594_984, 2_000_700_306]);
  });

  it('use the documented integer function', () => {
    const int32 = integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
    const law = property(int32, int32, nat(2 ** 31 - 1), (k0, k1, index) => {
      expect(counterHash(k0, k1, index)).toBe(referenceHash(k0, k1, index));
    });
    assert(law);
  });

  it.each([0.1, 0.5])('drop a share of %d and scale the rest', (ratio) => {
    const length = 1_000_000;
    const mask = dropoutMask(dropoutKey(pass, site), length, ratio);
    const numDropped = mask.filter((value) => value === 0).length;
    const std = Math.sqrt((ratio * (1 - ratio)) / length);
    expect(Math.abs(numDropped / length - ratio)).toBeLessThan(4 * std);
    const kept = new Set(mask.filter((value) => value !== 0));
    expect([...kept]).toEqual([Math.fround(1 / (1 - ratio))]);
  });

  it('are unlike for any other seed, step, virtual rank, micro-batch, site or shifted place', () => {
    const length = 100_000;
    const mask = dropoutMask(dropoutKey(pass, site), length, 0.5);
    const others = [
      dropoutKey({ ...pass, seed: 12_346 }, site),
      dropoutKey({ ...pass, step: 8 }, site),
      dropoutKey({ ...pass, virtualRank: 2 }, site),
      dropoutKey({ ...pass, microBatch: 0 }, site),
      dropoutKey(pass, site + 1),
    ].map((key) => dropoutMask(key, length, 0.5));
    const shifted = mask.map((_, index) => mask[(index + 1) % length] ?? 0);
    for (const other of [...others, shifted]) {
      const numEqual = mask.filter((value, index) => value === other[index]).length;
      expect(Math.abs(numEqual / length - 0.5)).toBeLessThan(0.007);
    }
  });

  it('give every site of a 24-layer model a number of its own', () => {
    const layers = Array.from({ length: 24 }, (_, layer) => layer);
    const sites = layers.flatMap((layer) => [
      dropoutSites.attentionProbabilities(layer),
      dropoutSites.attentionOutput(layer),
      dropoutSites.feedForwardOutput(layer),
    ]);
    expect(new Set([dropoutSites.embeddings, ...sites]).size).toBe(1 + 3 * 24);
  });
});
