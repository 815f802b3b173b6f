import { expect, it } from 'vitest';
import { prepareDisturbed } from './testing/disturbed-preparation.ts';

it('data comes out the same when those who make it are killed', async () => {
  const outcome = await prepareDisturbed({
    seed: 1,
    numWorkers: 2,
    faults: ['worker', 'coordinator', 'emptied redis'],
    partBytes: 150_000,
  });
  expect(outcome.datasetId).toBe(outcome.calm.datasetId);
  expect(outcome.objects).toEqual(outcome.calm.objects);
  expect(outcome.leftovers).toEqual([]);
});
