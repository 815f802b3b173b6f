import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BerthError } from '@berth/contracts';

/**
 * Keeps a folder's embedded services to one process: a second one would end the first one's Redis as a leftover.
 * @returns what gives the folder free
 * @throws BerthError `RUN_STATE_CONFLICT` naming the process that has it
 */
export function lockFolder(folder: string): () => void {
  const file = join(folder, 'services.pid');
  mkdirSync(folder, { recursive: true });
  const owner = Number(readIfThere(file));
  // The lock of a process that was killed stays behind.
  if (owner > 0 && !isAlive(owner)) rmSync(file, { force: true });
  try {
    writeFileSync(file, String(process.pid), { flag: 'wx' });
  } catch (cause) {
    throw new BerthError(
      'RUN_STATE_CONFLICT',
      `Process ${readIfThere(file)} is starting, running or ending a cluster in ${folder}; ` +
        'try again when it is done, or set BERTH_FOLDER to another folder',
      { cause },
    );
  }
  return () => rmSync(file, { force: true });
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
