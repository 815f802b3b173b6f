import { once } from 'node:events';
import { connectRedis, openRun } from '@berth/queue';
import { expect, it, onTestFinished } from 'vitest';
import { berth, childrenOf, spawnBerth } from './testing/berth-process.ts';
import { environmentFileOf, startCluster } from './testing/test-cluster.ts';
import { tinyRun } from './testing/tiny-run.ts';

/** More than are made while somebody looks. */
const numSteps = 120;
/** None are made before both are there. */
const together = { train: { numSteps }, cluster: { numWorkers: 2, minWorkers: 2 } };

it('trains two workers that nobody can dial to the same bits, also when its relay is killed', async () => {
  const secret = 'the secret of this cluster';
  const env = { BERTH_SECRET: secret, BERTH_RELAY_PORT: '0' };
  const cluster = await startCluster({ numWorkers: 0, env });
  onTestFinished(() => cluster.stop());
  const { client, folder } = cluster;
  const file = environmentFileOf(cluster, { BERTH_SECRET: secret });
  const start = (name: string, ...args: string[]): void => {
    const worker = spawnBerth(['worker', '--name', name, '--env', file, ...args], folder);
    worker.stdout?.resume();
    worker.stderr?.resume();
    onTestFinished(async () => {
      const ended = once(worker, 'exit');
      if (worker.exitCode === null && worker.kill('SIGKILL')) await ended;
    });
  };
  const digestsOf = async (runId: string): Promise<string[]> => {
    const connection = await connectRedis(cluster.services.redisUrl, { role: 'producer' });
    const entries = await openRun(connection, runId).ledger.entries(0, numSteps);
    connection.close();
    return entries.map(({ gradientDigest }) => gradientDigest);
  };
  const complete = (runId: string): Promise<unknown> =>
    cluster.until(runId, 'its end', ({ run }) => run.status === 'completed');

  for (const name of ['hidden-1', 'hidden-2'])
    start(name, '--reachable', 'false', '--advertise', '127.0.0.1:1');
  await client.submit(tinyRun('relayed', together), 'trained');
  const before = await cluster.until('relayed', 'steps of both', ({ step, view, relay }) => {
    return step > 3 && view !== null && (relay?.traffic?.numBytes ?? 0) > 0;
  });
  expect((await berth(['status', 'relayed'], { folder })).stdout).toMatch(
    /dials out only, .*\n.*the relay coordinator-.* has passed on [\d.]+ [kM]B/,
  );
  for (const pid of childrenOf(cluster.up.pid ?? 0, 'coordinator')) process.kill(pid, 'SIGKILL');
  await cluster.until('relayed', 'another relay', ({ relay, step }) => {
    return step === numSteps || (relay !== undefined && relay.memberId !== before.relay?.memberId);
  });
  await complete('relayed');

  await berth(['drain', 'hidden-2'], { folder });
  await client.submit(tinyRun('calm', { train: { numSteps } }), 'trained');
  const calm = await cluster.until('calm', 'a view', ({ view }) => view !== null);
  expect(calm.relay).toBeUndefined();
  await complete('calm');
  const digests = await digestsOf('relayed');
  expect(digests).toHaveLength(numSteps);
  expect(digests).toEqual(await digestsOf('calm'));
});
