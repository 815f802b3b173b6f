import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BerthError } from '@berth/contracts';
import { identityOf, isRunning, type ProcessIdentity } from './process-identity.ts';

/**
 * Keeps a folder's embedded services to one process: a second one would end the first one's Redis as a leftover.
 * @returns what gives the folder free
 * @throws BerthError `RUN_STATE_CONFLICT` naming the process that has it
 */
export function lockFolder(folder: string): () => void {
  const file = join(folder, 'services.pid');
  mkdirSync(folder, { recursive: true });
  const owner = ownerOf(file);
  // The lock of a process that was killed stays behind.
  if (owner !== undefined && !isRunning(owner)) rmSync(file, { force: true });
  try {
    writeFileSync(file, JSON.stringify(identityOf(process.pid)), { flag: 'wx' });
  } catch (cause) {
    throw new BerthError(
      'RUN_STATE_CONFLICT',
      `Process ${ownerOf(file)?.pid} is starting, running or ending a cluster in ${folder}; ` +
        'try again when it is done, or set BERTH_FOLDER to another folder',
      { cause },
    );
  }
  return () => rmSync(file, { force: true });
}

function ownerOf(file: string): ProcessIdentity | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as ProcessIdentity;
  } catch {
    return undefined;
  }
}
