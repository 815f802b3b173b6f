import { expect, it } from 'vitest';
import { simulateAll } from './expect-no-problem.ts';
import { mustEndWell } from './must-end-well.ts';

const numBatches = 24;
const perBatch = 500;
const batches = Array.from({ length: numBatches }, (_, batch) => 1_000_000 + batch * perBatch);

/** 12,000 seeds: some 20 minutes of one quiet core. */
it.each(batches)(
  `simulated runs end with the same weights for ${perBatch} seeds from %i on`,
  { timeout: 600_000 },
  (fromSeed) => {
    expect(simulateAll(fromSeed, perBatch)).toHaveLength(perBatch);
  },
);

it.each(mustEndWell)('%s, for 300 seeds', (_, problemOf) => {
  const seeds = Array.from({ length: 300 }, (_, seed) => seed);
  expect(seeds.flatMap((seed) => problemOf(seed) ?? [])).toEqual([]);
});
