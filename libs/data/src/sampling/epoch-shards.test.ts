import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { epochShardOrder } from './epoch-order.ts';
import { epochShardsOf, type EpochShardsOptions } from './epoch-shards.ts';

/** Shards of a dataset, all of a part alike. */
function shardsOf(
  parts: Readonly<Record<string, readonly [numShards: number, numTokens: number]>>,
) {
  return Object.entries(parts).flatMap(([part, [numShards, numTokens]]) =>
    Array.from({ length: numShards }, () => ({ part, numTokens })),
  );
}

const mixes: fc.Arbitrary<EpochShardsOptions> = fc
  .record({
    seed: fc.nat(0xffff_ffff),
    a: fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 1000 })),
    b: fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 1000 })),
    c: fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 1000 })),
    weights: fc.tuple(fc.integer({ min: 1, max: 20 }), fc.nat(20), fc.nat(20)),
  })
  .map(({ seed, weights: [a, b, c], ...parts }) => ({
    seed,
    train: shardsOf(parts),
    corpusWeights: { a, b, c },
  }));

const epochs = Array.from({ length: 30 }, (_, epoch) => epoch);

describe('the shards of an epoch', () => {
  it('are all in an order of chance without weights', () => {
    const train = shardsOf({ a: [5, 10], b: [3, 10] });
    expect(epochShardsOf({ seed: 4, train })(2)).toEqual(epochShardOrder(4, 2, 8));
  });

  it('are no two the same, and by their number say of which dataset shard they are', () => {
    fc.assert(
      fc.property(mixes, (mix) => {
        for (const epoch of epochs) {
          const shards = [...epochShardsOf(mix)(epoch)];
          expect(shards.length).toBeGreaterThan(0);
          expect(new Set(shards).size).toBe(shards.length);
          expect(epochShardsOf(mix)(epoch)).toEqual(Uint32Array.from(shards));
          for (const shard of shards) {
            const { part } = mix.train[shard % mix.train.length]!;
            expect(mix.corpusWeights![part!]).toBeGreaterThan(0);
            // The second time is only there with the first.
            expect(shard < mix.train.length || shards.includes(shard - mix.train.length)).toBe(
              true,
            );
          }
        }
      }),
      { numRuns: 15 },
    );
  });

  it('are those of a part one pass after the other, each shard once before any again', () => {
    fc.assert(
      fc.property(mixes, (mix) => {
        const read = epochs.flatMap((epoch) => [...epochShardsOf(mix)(epoch)]);
        for (const name of ['a', 'b', 'c']) {
          const own = [...mix.train.keys()].filter((shard) => mix.train[shard]!.part === name);
          const stream = read
            .map((shard) => shard % mix.train.length)
            .filter((shard) => own.includes(shard));
          for (let start = 0; start + own.length <= stream.length; start += own.length)
            expect(stream.slice(start, start + own.length).sort((x, y) => x - y)).toEqual(own);
        }
      }),
      { numRuns: 15 },
    );
  });

  it('keep the shares of tokens to within a shard at any time', () => {
    fc.assert(
      fc.property(mixes, (mix) => {
        const weights = Object.values(mix.corpusWeights!);
        const total = weights.reduce((sum, weight) => sum + weight, 0);
        const numTokens = { a: 0, b: 0, c: 0 };
        for (const shard of epochs.flatMap((epoch) => [...epochShardsOf(mix)(epoch)])) {
          const { part, numTokens: more } = mix.train[shard % mix.train.length]!;
          numTokens[part as 'a'] += more;
          const all = numTokens.a + numTokens.b + numTokens.c;
          const most = Math.max(...mix.train.map((one) => one.numTokens));
          for (const [name, weight] of Object.entries(mix.corpusWeights!))
            expect(Math.abs(numTokens[name as 'a'] - (all * weight) / total)).toBeLessThanOrEqual(
              3 * most,
            );
        }
      }),
      { numRuns: 15 },
    );
  });

  it('have parts spread evenly, so that each window mixes them', () => {
    const train = shardsOf({ wiki: [16, 1000], books: [16, 250] });
    const shards = [...epochShardsOf({ seed: 1, train, corpusWeights: { wiki: 1, books: 1 } })(0)];
    const isBooks = shards.map((shard) => train[shard % 32]!.part === 'books');
    expect(isBooks.filter(Boolean)).toHaveLength(26);
    for (let start = 0; start + 10 <= shards.length; start++) {
      const numBooks = isBooks.slice(start, start + 10).filter(Boolean).length;
      expect(Math.abs(numBooks - 8)).toBeLessThanOrEqual(1);
    }
  });
});
