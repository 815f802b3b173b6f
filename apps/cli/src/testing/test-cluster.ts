import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  environmentOfServices,
  isBerthError,
  type RunStatusReport,
  type Services,
} from '@berth/contracts';
import { findCluster, type CoordinatorClient } from '@berth/launch';
import { temporaryFolder, waitFor } from '@berth/testing';
import { spawnBerth } from './berth-process.ts';
import { clientOf } from './client-of.ts';

/** What `berth up` has started in a folder of its own. */
export interface TestCluster {
  readonly folder: string;
  readonly up: ChildProcess;
  readonly services: Services;
  readonly client: CoordinatorClient;
  /** Waits until a run is as it is wanted, also while nobody answers. */
  until(
    runId: string,
    what: string,
    isSo: (report: RunStatusReport) => boolean,
  ): Promise<RunStatusReport>;
  /** Ends all of it, in order. */
  stop(): Promise<void>;
}

export async function startCluster({
  numWorkers,
  port = 0,
  env = {},
}: {
  readonly numWorkers: number;
  readonly port?: number;
  readonly env?: Readonly<Record<string, string>>;
}): Promise<TestCluster> {
  const { path: folder } = await temporaryFolder();
  const args = ['up', '--workers', String(numWorkers), '--port', String(port)];
  const up = spawnBerth(args, folder, env);
  const { services } = await waitFor(() => findCluster(folder), { what: 'the cluster' });
  const client = clientOf(folder)!;
  return {
    folder,
    up,
    services,
    client,
    until: (runId, what, isSo) =>
      waitFor(
        async () => {
          const report = await client.status(runId).catch(unlessUnreachable);
          return report !== undefined && isSo(report) && report;
        },
        { intervalMs: 100, what: `${what} of ${runId}` },
      ),
    async stop() {
      const ended = once(up, 'exit');
      up.kill('SIGINT');
      await ended;
    },
  };
}

function unlessUnreachable(error: unknown): undefined {
  if (!isBerthError(error) || error.code !== 'COORDINATOR_UNREACHABLE') throw error;
}

/** Writes all that a process elsewhere needs to join. @returns the file for `--env` */
export function environmentFileOf(
  { folder, services }: TestCluster,
  more: Readonly<Record<string, string>> = {},
  name = 'cluster.env',
): string {
  const file = join(folder, name);
  const variables = {
    ...environmentOfServices(services),
    BERTH_SECRET: 'the secret of this cluster',
    ...more,
  };
  const lines = Object.entries(variables).map(([name, value]) => `${name}='${value}'\n`);
  writeFileSync(file, lines.join(''), { mode: 0o600 });
  return file;
}
