import { execFileSync } from 'node:child_process';
import { constants, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Blocks this thread for ever, in the kernel, as a stuck driver does: unlike a wait in JavaScript it does not end when the
 * thread is terminated. For `berth chaos` only.
 */
export function hang(): void {
  const folder = mkdtempSync(join(tmpdir(), 'berth-hang-'));
  const path = join(folder, 'pipe');
  execFileSync('mkfifo', [path]);
  const pipe = openSync(path, constants.O_RDWR);
  rmSync(folder, { recursive: true });
  readSync(pipe, Buffer.alloc(1));
}
