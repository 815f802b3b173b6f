import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lastEpochNeeded, planEpoch, planReadAhead, type ReadAheadOptions } from './read-ahead.ts';

const options: ReadAheadOptions = {
  windowShards: 2,
  readAheadShards: 3,
  orderOf: (epoch) => (epoch === 0 ? [5, 4, 3, 2, 1, 0] : [0, 1, 2, 3, 4, 5]),
};
const none = (): undefined => undefined;
const ten = (): number => 10;

describe('read-ahead', () => {
  it('asks for whole windows in the order of use', () => {
    const plan = planReadAhead(
      { cursor: { epoch: 0, index: 0 }, numExamplesNeeded: 1e9, countOf: none },
      options,
    );
    expect(plan.map(({ shard }) => shard)).toEqual([5, 4, 3, 2]);
  });

  it('leaves out windows that are used up', () => {
    const plan = planReadAhead(
      { cursor: { epoch: 0, index: 20 }, numExamplesNeeded: 1e9, countOf: ten },
      options,
    );
    expect(plan.map(({ shard }) => shard)).toEqual([3, 2, 1, 0]);
  });

  it('goes on into the next epoch', () => {
    const plan = planReadAhead(
      { cursor: { epoch: 0, index: 59 }, numExamplesNeeded: 1e9, countOf: ten },
      options,
    );
    expect(plan).toEqual([
      { epoch: 0, shard: 1 },
      { epoch: 0, shard: 0 },
      { epoch: 1, shard: 0 },
      { epoch: 1, shard: 1 },
    ]);
  });

  it('stops where the run ends', () => {
    const plan = planReadAhead(
      { cursor: { epoch: 0, index: 0 }, numExamplesNeeded: 20, countOf: ten },
      options,
    );
    expect(plan.map(({ shard }) => shard)).toEqual([5, 4]);
  });

  it('of a whole epoch goes on behind what is there, some hundreds at a time', () => {
    const order = Array.from({ length: 2_000 }, (_, place) => 1_999 - place);
    const ofMany = { orderOf: () => order };
    const countOf = (_: number, shard: number): number | undefined =>
      shard > 1_000 ? 10 : undefined;
    const plan = planEpoch(0, { countOf }, ofMany);
    expect(plan[0]).toEqual({ epoch: 0, shard: 1_000 });
    expect(plan.length).toBeGreaterThan(100);
    expect(plan.length).toBeLessThan(1_001);
    expect(planEpoch(0, { countOf: ten }, ofMany)).toEqual([]);
  });

  it('knows the epoch of the last example once sizes say so', () => {
    const from = (index: number, numExamplesNeeded: number, countOf = ten) =>
      lastEpochNeeded({ cursor: { epoch: 0, index }, numExamplesNeeded, countOf }, options);
    expect(from(0, 60)).toBe(0);
    expect(from(0, 61)).toBe(1);
    expect(from(50, 10)).toBe(0);
    expect(from(50, 71)).toBe(2);
    const known = (_epoch: number, shard: number): number | undefined =>
      shard >= 3 ? 10 : undefined;
    const partly = { cursor: { epoch: 0, index: 0 }, countOf: known };
    expect(lastEpochNeeded({ ...partly, numExamplesNeeded: 30 }, options)).toBe(0);
    expect(lastEpochNeeded({ ...partly, numExamplesNeeded: 31 }, options)).toBeUndefined();
    expect(from(0, Infinity, () => 0)).toBeUndefined();
  });

  it('ends, however much is asked for and however little is known', () => {
    const endless = { ...options, orderOf: () => [0], windowShards: 1, readAheadShards: 1e12 };
    for (const countOf of [none, ten, () => 0]) {
      const start = { cursor: { epoch: 0, index: 0 }, numExamplesNeeded: Infinity, countOf };
      expect(planReadAhead(start, { ...endless, orderOf: () => [0] }).length).toBeLessThan(10_000);
    }
  });

  it('always names the window that the cursor is in, and a bounded number of shards', () => {
    fc.assert(
      fc.property(
        fc.record({
          index: fc.nat(200),
          size: fc.integer({ min: 1, max: 50 }),
          windowShards: fc.integer({ min: 1, max: 6 }),
          readAheadShards: fc.integer({ min: 1, max: 20 }),
        }),
        ({ index, size, windowShards, readAheadShards }) => {
          const epochSize = 6 * size;
          const cursor = { epoch: Math.floor(index / epochSize), index: index % epochSize };
          const plan = planReadAhead(
            { cursor, numExamplesNeeded: 1e9, countOf: () => size },
            { ...options, windowShards, readAheadShards },
          );
          const current = options.orderOf(cursor.epoch)[Math.floor(cursor.index / size)];
          expect(plan).toContainEqual({ epoch: cursor.epoch, shard: current });
          expect(plan.length).toBeLessThan(readAheadShards + windowShards);
        },
      ),
    );
  });
});
