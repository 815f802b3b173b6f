import { accessSync, constants, existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { BerthError } from '@berth/contracts';

/**
 * Makes a folder and those above it, for this user only, or sees that it can be written.
 * @param fix - what to do where that cannot be
 * @throws BerthError `CONFIG_INVALID`
 */
export function makeFolder(folder: string, fix: string): void {
  const problem = folderProblem(folder, makeWithParents);
  if (problem !== undefined) throw new BerthError('CONFIG_INVALID', `${problem}; ${fix}`);
}

/** Why a folder could not be used, or made, as far as that can be told without making it. */
export function folderProblem(
  folder: string,
  attempt: (folder: string) => void = checkNearest,
): string | undefined {
  try {
    attempt(resolve(folder));
    return undefined;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return `${folder} cannot be written: ${reasons[code ?? ''] ?? message}`;
  }
}

const reasons: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOSPC: 'no space is left there',
  ENOTDIR: 'a part of the path is not a folder',
  EEXIST: 'it is not a folder',
  ENOENT: 'nothing can be made there',
};

/** Level by level: Node's own recursion does not end where the system denies that a parent exists, as below /proc. */
function makeWithParents(folder: string): void {
  if (existsSync(folder)) return checkWritable(folder);
  makeWithParents(dirname(folder));
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    // Another process may have been faster.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    checkWritable(folder);
  }
}

function checkNearest(folder: string): void {
  if (!existsSync(folder) && dirname(folder) !== folder) checkNearest(dirname(folder));
  else checkWritable(folder);
}

function checkWritable(folder: string): void {
  if (!statSync(folder).isDirectory())
    throw Object.assign(new Error('not a folder'), { code: 'ENOTDIR' });
  accessSync(folder, constants.W_OK | constants.X_OK);
}
