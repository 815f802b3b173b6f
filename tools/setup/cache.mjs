import { chmod, mkdir, mkdtemp, rename, rm, stat, statfs } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { SetupFailure } from './failure.mjs';

/** Where everything that setup downloads or compiles is kept, per user. */
export function cacheFolder(env = process.env) {
  return join(env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'berth');
}

/** @param {string} path */
export async function exists(path) {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/**
 * Fills a folder of the cache in one go: readers see all of it or none, and of two runs at once the first wins.
 * @param {string} folder - the finished folder; must not exist
 * @param {(temporary: string) => Promise<string>} fill - works in a folder of its own; returns what to keep of it
 */
export async function installFolder(folder, fill) {
  const temporary = await makeTemporary(folder);
  try {
    const finished = await fill(temporary);
    await chmod(finished, 0o755);
    await rename(finished, folder).catch(async (error) => {
      if (!(await exists(folder))) throw error;
    });
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/** @param {string} folder */
async function makeTemporary(folder) {
  try {
    await mkdir(dirname(folder), { recursive: true });
    return await mkdtemp(`${folder}.partial-`);
  } catch (error) {
    throw new SetupFailure(
      `cannot write to ${dirname(folder)} (${error.code})`,
      'make it writable, or set XDG_CACHE_HOME to a folder that is',
    );
  }
}

/**
 * @param {string} folder - exists or will be made
 * @param {number} neededBytes
 * @param {string} purpose
 * @throws SetupFailure when the disk has less
 */
export async function requireSpace(folder, neededBytes, purpose) {
  let existing = folder;
  while (!(await exists(existing))) existing = dirname(existing);
  const { bavail, bsize } = await statfs(existing);
  const freeBytes = bavail * bsize;
  if (freeBytes >= neededBytes) return;
  throw new SetupFailure(
    `${purpose} needs ${gigabytes(neededBytes)} in ${folder}, ${gigabytes(freeBytes)} are free`,
    'free some space, or set XDG_CACHE_HOME to a folder on a larger disk',
  );
}

/** @param {number} bytes */
function gigabytes(bytes) {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}
