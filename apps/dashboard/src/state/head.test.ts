import type { RunStatusReport } from '@berth/contracts';
import { expect, it } from 'vitest';
import { headIcon, titleOf } from './head-text.ts';

function reportOf(status: string, step: number): RunStatusReport {
  const run = { status, config: { name: 'second' } };
  return { run, step, numSteps: 2_000 } as RunStatusReport;
}

const atRun = { page: 'run', runId: 'second', tab: 'overview' } as const;

it('tells how far a run is, and what became of one that goes no further', () => {
  expect(titleOf(atRun, reportOf('running', 1_535), [])).toBe('76 % second - berth');
  expect(titleOf(atRun, reportOf('failed', 10), [])).toBe('Failed second - berth');
  expect(titleOf(atRun, reportOf('completed', 2_000), [])).toBe('Completed second - berth');
});

it('tells how many runs are under way', () => {
  const all = [reportOf('running', 1), reportOf('queued', 0), reportOf('stopped', 1)];
  expect(titleOf({ page: 'runs' }, undefined, all)).toBe('2 under way - berth');
  expect(titleOf({ page: 'runs' }, undefined, [])).toBe('Runs - berth');
  expect(titleOf({ page: 'grid', name: 'g' }, undefined, all)).toBe('g - berth');
  expect(titleOf({ page: 'queues' }, undefined, all)).toBe('Queues - berth');
});

it('fills the icon as far as the run is, in the colour of its state', () => {
  const heightOf = (report: RunStatusReport): string | undefined =>
    /y="([\d.]+)"/.exec(decodeURIComponent(headIcon(report)))?.[1];
  expect(heightOf(reportOf('running', 0))).toBe('32');
  expect(heightOf(reportOf('running', 1_000))).toBe('16');
  expect(heightOf(reportOf('completed', 2_000))).toBe('0');
  expect(headIcon(reportOf('failed', 1_000))).not.toBe(headIcon(reportOf('running', 1_000)));
});
