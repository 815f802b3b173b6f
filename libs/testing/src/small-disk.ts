import { execFileSync } from 'node:child_process';
import { rmdir } from 'node:fs/promises';
import { temporaryFolder, type TemporaryFolder } from './temporary-folder.ts';

/** A disk of so many bytes, in memory; undefined where the user may not mount one. */
export async function smallDisk(numBytes: number): Promise<TemporaryFolder | undefined> {
  const { path } = await temporaryFolder();
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${numBytes}`, 'tmpfs', path], {
      stdio: 'ignore',
    });
  } catch {
    await rmdir(path);
    return undefined;
  }
  return {
    path,
    async remove() {
      // Lazily: whoever has a file open there closes it later.
      execFileSync('umount', ['-l', path]);
      await rmdir(path);
    },
  };
}
