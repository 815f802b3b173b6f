import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface TemporaryFolder {
  readonly path: string;
  /** Deletes it with all it holds. */
  remove(): Promise<void>;
}

/** How the names of folders begin that are removed after the last test of a file. */
export const removedAtTheEnd = 'berth-test-';

/** A fresh, empty folder. It is removed after the last test of the file, or before by `remove`. */
export async function temporaryFolder(): Promise<TemporaryFolder> {
  const path = await mkdtemp(join(tmpdir(), removedAtTheEnd));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}
