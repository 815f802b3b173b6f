import { expect, it } from 'vitest';
import { stepsOf, wrongEngines } from './report.mjs';

const span = (fromStep: number, toStep: number, ...engines: string[]) => ({
  fromStep,
  toStep,
  engines,
});

it('knows a journey by the ledger', () => {
  const spans = [
    span(0, 9, 'slurm'),
    span(9, 10, 'kubernetes', 'slurm'),
    span(10, 30, 'kubernetes'),
  ];
  expect(wrongEngines(['slurm', 'kubernetes'], spans)).toEqual([]);
  expect(stepsOf('slurm', spans)).toBe('1-10');
  expect(wrongEngines(['slurm', 'kubernetes', 'process'], spans)).toHaveLength(1);
  expect(wrongEngines(['slurm', 'kubernetes'], [...spans, span(30, 31, 'slurm')])).toHaveLength(1);
});
