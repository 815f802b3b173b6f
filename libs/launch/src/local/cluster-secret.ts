import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { peerSecretFromEnvironment } from '@berth/contracts';
import { keepSecret } from './keep-secret.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * What the workers of a cluster on this machine prove to each other: the secret that the environment names, or one of the folder,
 * so that workers of before and after a restart know each other.
 * @throws BerthError `CONFIG_INVALID` if the environment names one that is too short or cannot be read
 */
export function clusterSecret(folder: string, env: Environment): string {
  const named = peerSecretFromEnvironment(env, (path) => readFileSync(path, 'utf8'));
  return named ?? keepSecret(join(folder, 'peer-secret'));
}

/** What a cluster on this machine asks for by HTTP: BERTH_API_TOKEN, or a token of the folder, so that open pages outlive a restart. */
export function clusterToken(folder: string, env: Environment): string {
  return env['BERTH_API_TOKEN'] || keepSecret(join(folder, 'api-token'));
}
