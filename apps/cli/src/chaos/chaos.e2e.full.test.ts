import { temporaryFolder } from '@berth/testing';
import { describe, expect, it } from 'vitest';
import { chaosReport } from '../testing/chaos-report.ts';

const minutes = 60_000;

/** What the project promises to survive within one run of a few minutes. */
const promised = [
  'worker-kill=20',
  'worker-pause=5',
  'coordinator-kill=5',
  'redis-kill=5',
  'store-outage=3',
];
// Three outages of 30 s, in which nobody can join, take so many steps of so small a model.
const promisedSettings = ['train.numSteps=1500', 'cluster.numWorkers=3'];

/** One of each kind that the promise does not name. */
const others = [
  'worker-leave',
  'device-hang=2',
  'crash-loop',
  'coordinator-and-worker-kill',
  'redis-pause',
  'redis-flush',
  'redis-rollback=2',
  'replica-promoted=2',
  'clock-step=2',
  'store-slow',
  'store-lost-reply',
  'store-bit-flip',
  'peer-cut=2',
  'peer-freeze',
  'peer-slow',
  'all-kill',
  'mixed-release',
];

describe('berth chaos', () => {
  it(
    'ends with the same model after all that is promised, with each of five seeds',
    { timeout: 90 * minutes },
    async () => {
      const { path: folder } = await temporaryFolder();
      const report = await chaosReport(folder, {
        seeds: [1, 2, 3, 4, 5],
        faults: promised,
        settings: promisedSettings,
        more: ['--outage-seconds', '30'],
        timeoutMs: 89 * minutes,
      });
      expect(report.problems).toEqual([]);
      for (const { faults, ledger } of report.disturbed) {
        expect(faults).toHaveLength(38);
        expect(ledger).toMatchObject({ ok: true, numSteps: 1500, numExamples: 1500 * 16 });
      }
    },
  );

  it(
    'ends with the same model after every other kind of fault',
    { timeout: 12 * minutes },
    async () => {
      const { path: folder } = await temporaryFolder();
      const settings = ['train.numSteps=500', 'cluster.numWorkers=3'];
      const report = await chaosReport(folder, {
        seeds: [5],
        faults: others,
        settings,
        timeoutMs: 11 * minutes,
      });
      expect(report.problems).toEqual([]);
      expect(report.disturbed[0]?.faults).toHaveLength(16);
    },
  );

  it(
    'ends with the same model whatever the number of workers',
    { timeout: 8 * minutes },
    async () => {
      const { path: folder } = await temporaryFolder();
      const report = await chaosReport(folder, {
        seeds: [1],
        faults: ['worker-leave=2', 'worker-kill=2'],
        settings: ['train.numSteps=60', 'cluster.numWorkers=4'],
        more: ['--sizes', '2,3,4,7,8'],
        timeoutMs: 7 * minutes,
      });
      expect(report.problems).toEqual([]);
      expect(new Set(report.undisturbed.map(({ weightsDigest }) => weightsDigest)).size).toBe(1);
      expect(report.undisturbed.map(({ numWorkers }) => numWorkers)).toEqual([1, 2, 3, 4, 7, 8]);
    },
  );
});
