import { describe, expect, it } from 'vitest';
import { prepareDisturbed } from './testing/disturbed-preparation.ts';

describe('data comes out the same', () => {
  it.each(
    Array.from({ length: 20 }, (_, index) => ({
      seed: 100 + index,
      numWorkers: [1, 2, 5][index % 3]!,
    })),
  )('with $numWorkers workers and seed $seed', async ({ seed, numWorkers }) => {
    const { datasetId, objects, calm, leftovers, numFaults } = await prepareDisturbed({
      seed,
      numWorkers,
      faults: ['worker', 'worker', 'coordinator', 'coordinator', 'redis', 'emptied redis'],
      partBytes: 600_000,
    });
    expect(numFaults).toBeGreaterThan(0);
    expect(datasetId).toBe(calm.datasetId);
    expect(objects).toEqual(calm.objects);
    expect(leftovers).toEqual([]);
  });
});
