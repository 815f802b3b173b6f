import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { silentLogger } from '@berth/contracts';
import { inspectLedger, type LedgerInspection } from '@berth/chaos';
import { expect, it, onTestFinished } from 'vitest';
import { berth } from './testing/berth-process.ts';
import { startCluster } from './testing/test-cluster.ts';
import { tinyRunFile } from './testing/tiny-run.ts';

const numSteps = 6;

it('a run that diverges fails before the step is voted for, and one with another rate goes on', async () => {
  const cluster = await startCluster({ numWorkers: 2 });
  onTestFinished(() => cluster.stop());
  const { folder, services } = cluster;
  const train = (name: string, learningRate: number): ReturnType<typeof berth> => {
    const file = join(folder, `${name}.yaml`);
    const optimizer = { learningRate, numWarmupSteps: 1 };
    const settings = { optimizer, train: { numSteps }, cluster: { numWorkers: 2 } };
    writeFileSync(file, JSON.stringify(tinyRunFile(name, settings)));
    return berth(['train', file], { folder });
  };
  const ledgerOf = (name: string): Promise<LedgerInspection> =>
    inspectLedger(services, name, silentLogger);

  const steep = await train('steep', 1e30);
  expect(steep.exitCode).toBe(1);
  const reason = /step (\d+), examples 0\.(\d+) to 0\.(\d+): gradient norm (NaN|Infinity)/.exec(
    steep.stderr,
  );
  if (reason === null) throw new Error(steep.stderr);
  const [step, first, end] = reason.slice(1).map(Number);
  expect([first, end]).toEqual([8 * step!, 8 * step! + 8]);
  expect(await ledgerOf('steep')).toMatchObject({ ok: true, numSteps: step, attempts: 1 });

  const mended = await train('mended', 1e-3);
  expect(mended.exitCode).toBe(0);
  expect(await ledgerOf('mended')).toMatchObject({ ok: true, numSteps });
});
