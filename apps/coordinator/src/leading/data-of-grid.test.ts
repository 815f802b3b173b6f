import { noRequests, parseRunConfig, type RunRecord } from '@berth/contracts';
import { expect, it } from 'vitest';
import { newRecord } from '../runs/decide-submission.ts';
import { dataOfGrid } from './data-of-grid.ts';

const labelledData = {
  fineTuning: { kind: 'regress' },
  numTrainExamples: 9,
  numHeldOutExamples: 1,
} as const;

function recordOf(point: number, change: object = {}, name = 'g'): RunRecord {
  const written = {
    name: `${name}-${point}`,
    task: { kind: 'regress', train: '/a.csv' },
    vocabulary: { path: '/v.txt' },
    seed: point,
    ...change,
  };
  const config = parseRunConfig(written, 'test');
  return newRecord({ config, goal: 'trained', grid: { name, point, values: { seed: point } } }, 1);
}
const read = (record: RunRecord): RunRecord => ({ ...record, manifestKey: 'm', labelledData });
const known = { manifestKey: 'm', isTrainedOn: true };

it('runs of a grid learn from the data of the first of them that has any', () => {
  const own = recordOf(2);
  expect(dataOfGrid(own, [own, recordOf(1)])).toBeUndefined();
  expect(dataOfGrid(own, [own, read(recordOf(1))])).toEqual(known);
  expect(dataOfGrid(own, [read(own), recordOf(1)])).toBeUndefined();
});

it('but not of what is another grid, has other settings, or is in doubt', () => {
  const own = recordOf(2);
  const other = read(recordOf(1, { examples: { maxSeqLength: 64 } }));
  expect(dataOfGrid(own, [other, read(recordOf(1, {}, 'h'))])).toBeUndefined();
  const first = read(recordOf(1));
  const submission = { config: first.config, askedAtMs: 2, isTrained: false };
  const doubted = { ...first, requests: { ...noRequests, submission } };
  expect(dataOfGrid(own, [doubted])).toBeUndefined();
  expect(dataOfGrid({ ...own, grid: undefined }, [first])).toBeUndefined();
});
