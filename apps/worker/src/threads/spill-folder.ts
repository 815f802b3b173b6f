import { mkdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Where a worker sorts documents aside: on the disk of the cluster's data, which is meant for as much, else where the
 * system has its temporary files. What an earlier process of this worker left there is removed: nobody else would.
 */
export async function spillFolder(env: Environment): Promise<string> {
  const folder = env['BERTH_FOLDER'];
  if (folder === undefined) return tmpdir();
  const own = join(folder, 'tmp', env['BERTH_WORKER_NAME'] ?? 'worker');
  await rm(own, { recursive: true, force: true });
  await mkdir(own, { recursive: true });
  return own;
}
