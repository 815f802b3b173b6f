import { temporaryFolder } from '@berth/testing';
import { describe, expect, it } from 'vitest';
import { berth } from '../testing/berth-process.ts';
import type { ChaosReport } from './run-chaos.ts';

describe('berth chaos', () => {
  it('ends with the same model after every kind of fault', { timeout: 300_000 }, async () => {
    const { path: folder } = await temporaryFolder();
    const faults = [
      'worker-kill=2',
      'worker-pause=1',
      'coordinator-kill=1',
      'redis-kill=1',
      'redis-flush=1',
      'store-outage=1',
    ].flatMap((fault) => ['--fault', fault]);
    const { stdout, stderr, exitCode } = await berth(
      [
        'chaos',
        '--json',
        '--seed',
        '5',
        '--outage-seconds',
        '5',
        '--set',
        'train.numSteps=50',
        ...faults,
      ],
      { folder, timeoutMs: 280_000 },
    );
    if (exitCode !== 0) throw new Error(stderr);
    const report = JSON.parse(stdout) as ChaosReport;
    expect(report.isSame).toBe(true);
    expect(report.faults).toHaveLength(7);
    expect(report.disturbed).toMatchObject({ ok: true, numSteps: 50, numExamples: 50 * 16 });
    expect(report.disturbed.attempts).toBeGreaterThan(1);
  });
});
