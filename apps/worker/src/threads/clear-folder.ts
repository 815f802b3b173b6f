import { mkdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';

/**
 * Makes a worker's own folder, without what an earlier process left there, which nobody else would remove.
 * @returns it, or where the system has its temporary files when there is none
 */
export async function clearFolder(folder: string | undefined): Promise<string> {
  if (folder === undefined) return tmpdir();
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  return folder;
}
