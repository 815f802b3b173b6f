import { describe, expect, it } from 'vitest';
import * as fc from 'fast-check';
import { epochShardOrder, shardsOfDocuments, windowShards } from './epoch-order.ts';
import { createSampler, type ExampleRef, type Sampler } from './sampler.ts';

/** A small run: sizes of the shards, which differ from epoch to epoch. */
const runs = fc.record({
  seed: fc.nat(0xffff_ffff),
  windowShards: fc.integer({ min: 1, max: 6 }),
  sizes: fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 8 }),
});
type Run = typeof runs extends fc.Arbitrary<infer R> ? R : never;

const sizeOf = (run: Run, epoch: number, shard: number): number =>
  run.sizes[(shard + epoch) % run.sizes.length] ?? 0;
const epochSize = ({ sizes }: Run): number => sizes.reduce((sum, size) => sum + size, 0);

const ordersOf = (seed: number, numShards: number) => (epoch: number) =>
  epochShardOrder(seed, epoch, numShards);

function samplerOf(run: Run): Sampler {
  return createSampler({
    seed: run.seed,
    shardsOf: ordersOf(run.seed, run.sizes.length),
    windowShards: run.windowShards,
    counts: (epoch, shard) => Promise.resolve(sizeOf(run, epoch, shard)),
  });
}

const start = { epoch: 0, index: 0 };
const text = ({ epoch, shard, example }: ExampleRef): string => `${epoch}/${shard}/${example}`;

describe('createSampler', () => {
  it('uses every example of every epoch exactly once, epoch after epoch', async () => {
    await fc.assert(
      fc.asyncProperty(runs, async (run) => {
        const size = epochSize(run);
        const { examples, next } = await samplerOf(run).locate(start, 3 * size);
        expect(next).toEqual({ epoch: 3, index: 0 });
        for (const epoch of [0, 1, 2]) {
          const used = examples.slice(epoch * size, (epoch + 1) * size).map(text);
          const expected = run.sizes.flatMap((_, shard) =>
            Array.from({ length: sizeOf(run, epoch, shard) }, (_, example) =>
              text({ epoch, shard, example }),
            ),
          );
          expect(used.sort()).toEqual(expected.sort());
        }
      }),
    );
  });

  it('gives the same stream whatever the batch sizes, resumed by a fresh sampler at each step', async () => {
    const batches = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(runs, batches, async (run, sizes) => {
        const total = sizes.reduce((sum, size) => sum + size, 0);
        const whole = await samplerOf(run).locate(start, total);
        const parts: ExampleRef[] = [];
        let cursor = start;
        for (const size of sizes) {
          const part = await samplerOf(run).locate(cursor, size);
          parts.push(...part.examples);
          cursor = part.next;
        }
        expect(parts).toEqual(whole.examples);
        expect(cursor).toEqual(whole.next);
      }),
    );
  });

  it('gives each virtual rank its part of a step by skipping to it', async () => {
    await fc.assert(
      fc.asyncProperty(
        runs,
        fc.nat(60),
        fc.integer({ min: 1, max: 9 }),
        async (run, skip, rank) => {
          const sampler = samplerOf(run);
          const { examples } = await sampler.locate(start, skip + rank);
          const cursor = await sampler.advance(start, skip);
          expect(cursor.index).toBeLessThan(epochSize(run));
          expect((await sampler.locate(cursor, rank)).examples).toEqual(examples.slice(skip));
        },
      ),
    );
  });

  it('asks for no shard beyond the window it is in', async () => {
    const asked = new Set<string>();
    const sampler = createSampler({
      seed: 1,
      shardsOf: ordersOf(1, 8),
      windowShards: 2,
      counts: (epoch, shard) => {
        asked.add(`${epoch}/${shard}`);
        return Promise.resolve(10);
      },
    });
    const { next } = await sampler.locate(start, 20);
    expect(next).toEqual({ epoch: 0, index: 20 });
    const order = epochShardOrder(1, 0, 8);
    expect([...asked].sort()).toEqual([`0/${order[0]}`, `0/${order[1]}`].sort());
  });

  it('knows the shards of the next window, also across epochs', async () => {
    await fc.assert(
      fc.asyncProperty(runs, async (run) => {
        const order = (epoch: number): number[][] =>
          windowShards(epochShardOrder(run.seed, epoch, run.sizes.length), run.windowShards).map(
            (shards) => [...shards],
          );
        const windows = [0, 1].flatMap((epoch) =>
          order(epoch).map((shards) => shards.map((shard) => ({ epoch, shard }))),
        );
        expect(await samplerOf(run).shardsAfter(start)).toEqual(windows[1]);
        const lastOfEpoch = { epoch: 0, index: epochSize(run) };
        expect(await samplerOf(run).shardsAfter(lastOfEpoch)).toEqual(windows[order(0).length]);
      }),
    );
  });

  it('asks again after a count could not be had', async () => {
    let failures = 1;
    const sampler = createSampler({
      seed: 1,
      shardsOf: ordersOf(1, 1),
      windowShards: 1,
      counts: () => (failures-- > 0 ? Promise.reject(new Error('not yet')) : Promise.resolve(3)),
    });
    await expect(sampler.locate(start, 1)).rejects.toThrow('not yet');
    expect((await sampler.locate(start, 3)).examples).toHaveLength(3);
  });

  it('refuses a dataset without examples instead of searching for ever', async () => {
    const counts = (): Promise<number> => Promise.resolve(0);
    const options = { seed: 1, shardsOf: ordersOf(1, 3), windowShards: 2, counts };
    await expect(createSampler(options).locate(start, 1)).rejects.toMatchObject({
      code: 'DATA_CORPUS_EMPTY',
    });
  });

  it('mixes the examples of a window and orders each epoch anew', async () => {
    const run = { seed: 3, windowShards: 2, sizes: [200, 200, 200, 200] };
    const { examples } = await samplerOf(run).locate(start, 1600);
    const firstWindow = new Set(examples.slice(0, 400).map(({ shard }) => shard));
    expect(firstWindow.size).toBe(2);
    const switches = examples.slice(1, 400).filter((ref, i) => ref.shard !== examples[i]?.shard);
    expect(switches.length).toBeGreaterThan(150);
    const order = (from: number): string[] =>
      examples.slice(from, from + 800).map(({ shard, example }) => `${shard}/${example}`);
    expect(order(800)).not.toEqual(order(0));
  });
});

describe('the order of shards and documents', () => {
  it('has every shard in exactly one window', () => {
    const sizes = fc.tuple(fc.nat(), fc.nat(9), fc.integer({ min: 1, max: 50 }));
    fc.assert(
      fc.property(sizes, fc.integer({ min: 1, max: 60 }), ([seed, epoch, numShards], perWindow) => {
        const windows = windowShards(epochShardOrder(seed, epoch, numShards), perWindow);
        const shards = windows.flatMap((window) => [...window]);
        expect(shards.sort((a, b) => a - b)).toEqual(
          Array.from({ length: numShards }, (_, shard) => shard),
        );
        expect(windows.every(({ length }) => length > 0 && length <= perWindow)).toBe(true);
      }),
    );
  });

  it('spreads documents over shards evenly, leaving none empty, in whatever order it is asked', () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 1, max: 12 }), fc.nat(60), (seed, numShards, n) => {
        const shardOf = shardsOfDocuments(seed, numShards);
        const shards = Array.from({ length: n }, (_, index) => shardOf(index));
        const counts = Array.from(
          { length: numShards },
          (_, shard) => shards.filter((one) => one === shard).length,
        );
        expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
        const backwards = Array.from({ length: n }, (_, index) => shardOf(n - 1 - index));
        expect(backwards.toReversed()).toEqual(shards);
      }),
    );
  });
});
