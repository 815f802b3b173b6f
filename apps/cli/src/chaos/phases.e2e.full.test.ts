import { temporaryFolder } from '@berth/testing';
import { expect, it } from 'vitest';
import { chaosReport } from '../testing/chaos-report.ts';

const minutes = 60_000;
const phases =
  '[{numSteps: 600, maxSeqLength: 64, maskedLmRatio: 0.3}, {numSteps: 400, maxSeqLength: 128, maxPredictions: 20}]';

it(
  'a run in phases ends with the same model with one, two and three workers, killed on the way',
  { timeout: 60 * minutes },
  async () => {
    const { path: folder } = await temporaryFolder();
    const report = await chaosReport(folder, {
      seeds: [1],
      faults: ['worker-kill=4', 'coordinator-kill=1'],
      settings: [
        `phases=${phases}`,
        'train.numSteps=1000',
        'train.engine=graph',
        'model.maxPositions=128',
        'cluster.stepTimeoutMs=120000',
      ],
      more: ['--sizes', '3', '--timeout-minutes', '25'],
      timeoutMs: 59 * minutes,
    });
    expect(report.problems).toEqual([]);
    expect(report.disturbed).toHaveLength(1);
    for (const { ledger } of report.disturbed)
      expect(ledger).toMatchObject({ ok: true, numSteps: 1000, numExamples: 1000 * 16 });
  },
);
