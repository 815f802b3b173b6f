import { inspectLedger, type LedgerInspection } from '@berth/chaos';
import {
  expandGrid,
  isBerthError,
  parseRunConfig,
  silentLogger,
  type GridReport,
} from '@berth/contracts';
import { freePort } from '@berth/launch';
import { waitFor } from '@berth/testing';
import { expect, it, onTestFinished } from 'vitest';
import { childrenOf } from './testing/berth-process.ts';
import { startCluster } from './testing/test-cluster.ts';
import { tinyGrid } from './testing/tiny-grid.ts';

const numSteps = 40;
const grid = { 'optimizer.learningRate': [1e-3, 1e-2], seed: [1, 2, 3] };
const train = { numSteps, evalEverySteps: 20, checkpointEverySteps: 20 };

it('a grid of 6 is complete, nothing run twice, with a worker and the coordinator killed', async () => {
  const cluster = await startCluster({ numWorkers: 3, port: await freePort() });
  onTestFinished(() => cluster.stop());
  const { client, folder, services, up } = cluster;
  const written = tinyGrid(folder, 'g', grid, train);
  const gridOnce = (what: string, isSo: (report: GridReport) => boolean): Promise<GridReport> =>
    waitFor(
      async () => {
        const report = await client.grid('g').catch((error: unknown) => {
          if (!isBerthError(error) || !error.policy.retry) throw error;
        });
        return report !== undefined && isSo(report) && report;
      },
      { intervalMs: 50, what },
    );
  const kill = (text: string): void => {
    const [pid] = childrenOf(up.pid ?? 0, text);
    if (pid === undefined) throw new Error(`no ${text} to kill`);
    process.kill(pid, 'SIGKILL');
  };
  const isMidway =
    (point: number) =>
    ({ points }: GridReport): boolean => {
      const step = points[point - 1]!.step;
      return step >= numSteps / 4 && step < (3 * numSteps) / 4;
    };

  await client.submitGrid(written, 'trained');
  await gridOnce('the second run midway', isMidway(2));
  kill('worker');
  await gridOnce('the fourth run midway', isMidway(4));
  kill('coordinator');
  // Asked again while nobody may answer, as people do: it is the same grid.
  await waitFor(() => client.submitGrid(written, 'trained').catch(() => undefined), {
    intervalMs: 200,
    what: 'an answer',
  });
  const report = await gridOnce('the end of the grid', ({ isOver }) => isOver);
  expect(report.numCompleted).toBe(6);
  expect(report.points.map(({ step }) => step)).toEqual(Array(6).fill(numSteps));

  const ledgerOf = (runId: string): Promise<LedgerInspection> =>
    inspectLedger(services, runId, silentLogger);
  const numViews: number[] = [];
  for (const { config, point } of expandGrid(written, 'test')!) {
    const { run } = await client.status(`g-${point}`);
    expect(run.attempts).toHaveLength(1);
    const alone = `alone-${point}`;
    await client.submit({ ...parseRunConfig(config, 'test'), name: alone }, 'trained');
    await cluster.until(alone, 'the end', (now) => now.run.status === 'completed');
    const { head, weightsDigest } = await ledgerOf(alone);
    expect(weightsDigest).not.toBeNull();
    const ledger = await ledgerOf(`g-${point}`);
    expect(ledger).toMatchObject({ ok: true, numSteps, head, weightsDigest });
    numViews.push(ledger.attempts);
    const { run: single } = await client.status(alone);
    expect(single.exampleSetId).toBe(run.exampleSetId);
  }
  // The second was disturbed.
  expect(numViews[1]).toBeGreaterThan(1);
});
