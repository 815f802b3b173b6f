import { randomBytes } from 'node:crypto';
import { lstatSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { BerthError } from '@berth/contracts';

/**
 * A secret that is made once and kept in a file, readable by its owner only.
 * @throws BerthError `CONFIG_INVALID` when the file was made by somebody else, who knows it then
 */
export function keepSecret(file: string): string {
  mkdirSync(dirname(file), { recursive: true });
  try {
    writeFileSync(file, `${randomBytes(32).toString('hex')}\n`, { flag: 'wx', mode: 0o600 });
  } catch (error) {
    const isThere = error instanceof Error && 'code' in error && error.code === 'EEXIST';
    if (!isThere) throw error;
  }
  const { uid } = lstatSync(file);
  if (process.getuid !== undefined && uid !== process.getuid())
    throw new BerthError('CONFIG_INVALID', `${file} belongs to another user, ${uid}; delete it`);
  return readFileSync(file, 'utf8').trim();
}
