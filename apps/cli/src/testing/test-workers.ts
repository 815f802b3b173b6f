import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { connectRedis, createMembers } from '@berth/queue';
import { waitFor } from '@berth/testing';
import { spawnBerth } from './berth-process.ts';
import { environmentFileOf, type TestCluster } from './test-cluster.ts';

/** Workers that join a cluster one by one. */
export interface TestWorkers {
  /** How many were added. */
  count(): number;
  /** Starts one more, and waits until it is a member. */
  add(): Promise<void>;
  /** Kills the newest with a signal that it cannot hear, and starts it again. */
  kill(): Promise<void>;
  stop(): Promise<void>;
}

/** @param cluster - of which it is the only source of workers */
export function testWorkers(cluster: TestCluster): TestWorkers {
  const environment = environmentFileOf(cluster);
  const workers: ChildProcess[] = [];

  function start(name: string): void {
    const args = ['worker', '--env', environment, '--name', name];
    const worker = spawnBerth(args, join(cluster.folder, name));
    worker.stdout?.resume();
    worker.stderr?.resume();
    workers.push(worker);
  }

  return {
    count: () => workers.length,
    async add() {
      start(`worker-${workers.length}`);
      const connection = await connectRedis(cluster.services.redisUrl, { role: 'producer' });
      const members = createMembers(connection);
      await waitFor(async () => (await members.list()).length === workers.length, {
        what: `${workers.length} workers`,
      });
      connection.close();
    },
    async kill() {
      const victim = workers.pop()!;
      const death = once(victim, 'exit');
      victim.kill('SIGKILL');
      await death;
      start(`worker-${workers.length}`);
    },
    async stop() {
      const ends = workers.map((worker) => once(worker, 'exit'));
      for (const worker of workers) worker.kill('SIGTERM');
      await Promise.all(ends);
    },
  };
}
