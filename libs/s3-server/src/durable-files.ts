import { mkdir, open, rename, rmdir } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Makes a folder's entries (creations, renames, removals) survive a power cut. */
export async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Creates a folder and its missing parents, durably. */
export async function makeFolder(path: string): Promise<void> {
  const firstCreated = await mkdir(path, { recursive: true });
  if (firstCreated === undefined) return;
  for (let folder = path; folder.length >= firstCreated.length; folder = dirname(folder)) {
    await syncFolder(dirname(folder));
  }
}

/** Moves a file that is already synced over `target`: afterwards, and after a crash at any time, it is there whole or not at all. */
export async function moveFile(source: string, target: string): Promise<void> {
  await rename(source, target);
  await syncFolder(dirname(target));
}

/** Replaces a small file whole: written to `temporary`, synced, renamed. */
export async function replaceFile(target: string, temporary: string, text: string): Promise<void> {
  const handle = await open(temporary, 'wx');
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await moveFile(temporary, target);
}

/** Removes the folders above `path` that have become empty, up to but without `root`. */
export async function removeEmptyParents(path: string, root: string): Promise<void> {
  for (let folder = dirname(path); folder !== root; folder = dirname(folder)) {
    try {
      await rmdir(folder);
    } catch (error) {
      if (hasErrno(error, 'ENOTEMPTY', 'EEXIST')) return;
      throw error;
    }
  }
}

/** True for a file system error with one of these codes. */
export function hasErrno(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code));
}

/** The value, or `undefined` when a file system call found nothing at the path. */
export async function unlessMissing<T>(promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise;
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
}
