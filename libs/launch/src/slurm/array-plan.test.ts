import { expect, it } from 'vitest';
import { indexList, planArray, type ArrayTask } from './array-plan.ts';

const task = (index: number, state = 'RUNNING', jobId = 7): ArrayTask => ({
  id: `${jobId}_${index}`,
  index,
  state,
});

it.each<[string, ArrayTask[], number, string[], string, string[]]>([
  ['begins', [], 3, [], '0-2', []],
  ['stays', [task(0), task(1)], 2, ['7_0', '7_1'], '', []],
  ['grows by what is missing', [task(0), task(2)], 4, ['7_0', '7_2'], '1,3', []],
  ['shrinks from the end', [task(0), task(1), task(2)], 1, ['7_0'], '', ['7_1', '7_2']],
  ['lets go who waits before who runs', [task(0, 'PENDING'), task(5)], 1, ['7_5'], '', ['7_0']],
  ['counts who may come back', [task(0, 'COMPLETING')], 2, ['7_0'], '1', []],
  ['has no two of one index', [task(0), task(0, 'RUNNING', 8)], 3, ['7_0', '8_0'], '1', []],
])('an array %s', (_what, tasks, numWorkers, kept, missing, surplus) => {
  const plan = planArray(tasks, numWorkers);
  expect(plan.kept.map(({ id }) => id)).toEqual(kept);
  expect(indexList(plan.missing)).toBe(missing);
  expect(plan.surplus.map(({ id }) => id)).toEqual(surplus);
});
