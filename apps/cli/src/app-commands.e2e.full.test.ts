import type { RunConfig } from '@berth/contracts';
import type { CoordinatorClient } from '@berth/launch';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startApp, type AppProcess } from './testing/app-process.ts';
import { environmentFileOf, startCluster, type TestCluster } from './testing/test-cluster.ts';
import { tinyRun } from './testing/tiny-run.ts';

let cluster: TestCluster;
let client: CoordinatorClient;
/** All that a process elsewhere needs to join. */
let file: string;

beforeAll(async () => {
  cluster = await startCluster({ numWorkers: 0 });
  ({ client } = cluster);
  file = environmentFileOf(cluster);
});

afterAll(() => cluster.stop());

const start = (args: readonly string[], env = file): AppProcess =>
  startApp(cluster.folder, args, env);

const configOf = (name: string, numSteps: number): RunConfig =>
  tinyRun(name, { train: { numSteps } });

describe('berth worker', () => {
  it('trains to the same bits where others cannot dial it', async () => {
    const hidden = start(['worker', '--reachable', 'false', '--advertise', '127.0.0.1:1']);
    await client.submit(configOf('hidden', 60), 'trained');
    await cluster.until('hidden', 'some steps', ({ step }) => step > 3);
    // It copies the weights of one that it cannot dial.
    const seen = start(['worker', '--name', 'seen']);
    await cluster.until('hidden', 'both', ({ view }) => view?.members.length === 2);
    const { last, lastEval } = await cluster.until('hidden', 'its end', ({ run }) => {
      return run.status === 'completed';
    });
    hidden.process.kill('SIGTERM');
    expect(await hidden.exitCode).toBe(75);
    await client.submit(configOf('calm', 60), 'trained');
    const calm = await cluster.until('calm', 'its end', ({ run }) => run.status === 'completed');
    expect([calm.last?.loss, calm.lastEval?.loss]).toEqual([last?.loss, lastEval?.loss]);
    seen.process.kill('SIGTERM');
    expect(await seen.exitCode).toBe(75);
  });

  it('is left out by those with another secret, which say so and go on', async () => {
    const own = start(['worker', '--run', 'guarded', '--name', 'own']);
    await client.submit(configOf('guarded', 100_000), 'trained');
    await cluster.until('guarded', 'some steps', ({ step }) => step > 3);
    const secret = { BERTH_SECRET: 'the secret of somebody else' };
    // First by its id, so that only its lack of weights speaks against it.
    start(['worker', '--name', 'a-stranger'], environmentFileOf(cluster, secret, 'other.env'));
    const { step } = await cluster.until('guarded', 'the reason', ({ run, view }) =>
      [run.reason, view?.reason].some((reason) =>
        /^without a-stranger-\w+: .*\bsecrets of .* differ/.test(reason ?? ''),
      ),
    );
    const later = await cluster.until('guarded', 'more steps', (now) => now.step > step + 3);
    expect(later.run.status).toBe('running');
    await client.control('guarded', 'stop');
    expect(await own.exitCode).toBe(1);
  });
});
