import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@berth/testing';
import { expect, it } from 'vitest';
import { chaosReport } from '../testing/chaos-report.ts';
import { excerpt } from '../testing/tiny-run.ts';

it('ends with the same model after FLUSHALL, the death of every process, kills and a leave', async () => {
  const { path: folder } = await temporaryFolder();
  const faults = ['worker-kill', 'worker-leave', 'coordinator-kill', 'redis-flush', 'all-kill'];
  const settings = [
    // What is tested is not how data is made, nor the sums of more virtual ranks.
    `corpus.path=${excerpt}`,
    'train.virtualRanks=4',
    'train.numSteps=80',
    'cluster.numWorkers=2',
    // A survivor that trained on alone could be done before the last fault is due.
    'cluster.minWorkers=2',
  ];
  const report = await chaosReport(folder, { seeds: [3], faults, settings });
  expect(report.problems).toEqual([]);
  const [disturbed] = report.disturbed;
  expect(disturbed?.faults.map(({ kind }) => kind).sort()).toEqual(faults.toSorted());
  expect(disturbed?.ledger).toMatchObject({ ok: true, numSteps: 80, numExamples: 80 * 16 });
  // Told to leave, a worker first finished its step.
  expect(logsUnder(report.folder).join('')).toContain('Left a view in order');
});

function logsUnder(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => /worker-\d+\.log$/.test(path))
    .map((path) => readFileSync(join(folder, path), 'utf8'));
}
