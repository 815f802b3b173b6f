import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { BerthError } from '@berth/contracts';
import { writePrivate } from '../local/join-files.ts';
import { makeFolder } from '../local/make-folder.ts';
import { sharedFiles } from './job-parts.ts';

const othersMask = 0o077;

/** A run's folder that all nodes share, for its owner only. */
export interface SharedFolder {
  /** By which a job knows that it sees this folder. */
  readonly marker: string;
  /** Writes a file below it. @returns its path */
  write(name: string, text: string): string;
}

/**
 * Makes a run's shared folder, or opens one that is there.
 * @throws BerthError `CONFIG_INVALID` naming a path that other users may enter, that is another user's, or that cannot be written
 */
export function openSharedFolder(folder: string): SharedFolder {
  makeFolder(folder, 'name another folder: --shared');
  for (const name of ['', sharedFiles.secrets, sharedFiles.logs, sharedFiles.cluster]) {
    const path = join(folder, name);
    mkdirSync(path, { recursive: true, mode: 0o700 });
    requirePrivate(path);
  }
  const write = (name: string, text: string): string => {
    const path = join(folder, name);
    writePrivate(path, text);
    return path;
  };
  return { marker: markerOf(folder, write), write };
}

/** The same as before: tasks of an array that is to grow compare with it when they are requeued. */
function markerOf(folder: string, write: SharedFolder['write']): string {
  try {
    return readFileSync(join(folder, sharedFiles.marker), 'utf8').trim();
  } catch {
    const marker = randomBytes(8).toString('hex');
    write(sharedFiles.marker, `${marker}\n`);
    return marker;
  }
}

function requirePrivate(path: string): void {
  const { mode, uid } = statSync(path);
  const isOpen = (mode & othersMask) !== 0;
  const isForeign = process.getuid !== undefined && uid !== process.getuid();
  if (!isOpen && !isForeign) return;
  const why = isOpen
    ? `is open to other users (mode ${(mode & 0o7777).toString(8).padStart(4, '0')}), and secrets are to lie there: chmod go-rwx it`
    : 'belongs to another user';
  throw new BerthError('CONFIG_INVALID', `${path} ${why}, or name another folder: --shared`);
}
