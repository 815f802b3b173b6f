import { expect, it } from 'vitest';
import { comparisonTable, isAbove } from './comparison.ts';
import type { Outcome } from './outcome.ts';

const reaching = (...values: number[]): Outcome[] =>
  values.map((value) => ({
    metric: 'Accuracy',
    value,
    baseline: 0.5,
    numTrain: 1800,
    numEval: 1000,
    seconds: 9.6,
  }));
const era = {
  question: 'before or after 1900?',
  fromScratch: reaching(0.66, 0.68, 0.7),
  pretrained: reaching(0.75, 0.76, 0.77),
};

it('shows mean, sample standard deviation and range', () => {
  const [header, , row, end] = comparisonTable([era]).split('\n');
  expect(header?.split(/ *\| */).slice(1, -1)).toEqual([
    'task',
    'learns from',
    'evaluated on',
    'metric',
    'always the same',
    'from scratch',
    'pre-trained',
    'a run takes',
  ]);
  expect(row?.split(/ *\| */).slice(1, -1)).toEqual([
    'before or after 1900?',
    '1,800',
    '1,000',
    'Accuracy',
    '50.0',
    '68.0 ± 2.0 (66.0 to 70.0)',
    '76.0 ± 1.0 (75.0 to 77.0)',
    '10 s',
  ]);
  expect(row).toHaveLength(header!.length);
  expect(end).toBe('');
});

it('shows no spread of one seed', () => {
  const one = { ...era, fromScratch: reaching(0.66), pretrained: reaching(0.75) };
  expect(comparisonTable([one])).toMatch(/\| 66\.0 +\| 75\.0 +\|/);
});

it('is above only where all seeds are', () => {
  expect(isAbove(era)).toBe(true);
  expect(isAbove({ ...era, fromScratch: reaching(0.6, 0.75) })).toBe(false);
  expect(isAbove({ ...era, fromScratch: reaching(0.5, 0.6) })).toBe(false);
});
