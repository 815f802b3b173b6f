import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { peerSecretFromEnvironment } from '@berth/contracts';

/**
 * What the workers of a cluster on this machine prove to each other: the secret that the environment names, or one that is made
 * once per folder and readable by its owner only, so that workers of before and after a restart know each other.
 * @throws BerthError `CONFIG_INVALID` if the environment names one that is too short or cannot be read
 */
export function clusterSecret(
  folder: string,
  env: Readonly<Record<string, string | undefined>>,
): string {
  const named = peerSecretFromEnvironment(env, (path) => readFileSync(path, 'utf8'));
  if (named !== undefined) return named;
  const file = join(folder, 'peer-secret');
  mkdirSync(folder, { recursive: true });
  try {
    writeFileSync(file, `${randomBytes(32).toString('hex')}\n`, { flag: 'wx', mode: 0o600 });
  } catch (error) {
    const isThere = error instanceof Error && 'code' in error && error.code === 'EEXIST';
    if (!isThere) throw error;
  }
  return readFileSync(file, 'utf8').trim();
}
