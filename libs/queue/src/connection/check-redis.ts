import { randomBytes } from 'node:crypto';
import { BerthError, parseRedisUrl } from '@berth/contracts';
import { clockAheadMs } from './clock.ts';
import { connectRedis, type RedisConnection } from './connection.ts';
import { defineScript } from './script.ts';

export interface RedisReport {
  readonly version: string;
  readonly appendOnly: boolean;
  /** How far the clock of this machine is ahead of that of Redis. */
  readonly clockAheadMs: number;
  /** What works but should be changed, for people. */
  readonly warnings: readonly string[];
}

/**
 * Checks that a Redis server is fit to hold the ledger and the queue: one server and not a cluster, which evicts nothing,
 * runs scripts, and keeps what is written in the database of the URL.
 * @throws BerthError `QUEUE_UNREACHABLE` when it does not answer; `CONFIG_INVALID` when it cannot be used as it is set up
 */
export async function checkRedis(url: string): Promise<RedisReport> {
  const connection = await connectRedis(url, { role: 'producer' });
  try {
    const info = await connection.call((client) => client.info());
    const unfit = unfitness(info, connection.where);
    if (unfit !== undefined) throw new BerthError('CONFIG_INVALID', unfit);
    await checkScripts(connection, url);
    const appendOnly = infoField(info, 'aof_enabled') === '1';
    const warnings = appendOnly
      ? []
      : [
          'appendonly is off: a restart of Redis loses the queue; run: redis-cli config set appendonly yes',
        ];
    const version = infoField(info, 'redis_version') ?? 'unknown';
    return { version, appendOnly, clockAheadMs: await clockAheadMs(connection), warnings };
  } finally {
    connection.close();
  }
}

/** Why a server cannot be used, from what it says of itself. */
function unfitness(info: string, where: string): string | undefined {
  const mode = infoField(info, 'redis_mode') ?? 'standalone';
  if (mode === 'cluster' || infoField(info, 'cluster_enabled') === '1')
    return (
      `Redis at ${where} is in cluster mode, and berth's scripts need all their keys on one server; ` +
      'use one with cluster-enabled no, which may have replicas'
    );
  if (mode !== 'standalone')
    return `Redis at ${where} is a ${mode}; name the server that keeps the data`;
  if (infoField(info, 'role') === 'slave')
    return `Redis at ${where} is a replica, which takes no writes; name its primary`;
  const policy = infoField(info, 'maxmemory_policy');
  if (policy !== 'noeviction')
    return (
      `Redis at ${where} may evict keys (maxmemory-policy ${policy ?? 'unknown'}); ` +
      'run: redis-cli config set maxmemory-policy noeviction'
    );
  return undefined;
}

/** What berth's own scripts and BullMQ's do, in small. */
const probeScript = defineScript(`
redis.call('set', KEYS[1], ARGV[1], 'PX', 60000)
redis.call('xadd', KEYS[2], '*', 'a', ARGV[1])
redis.call('zadd', KEYS[3], 1, ARGV[1])
redis.call('del', KEYS[2], KEYS[3])
return redis.call('get', KEYS[1])`);

async function checkScripts(connection: RedisConnection, url: string): Promise<void> {
  const { where } = connection;
  const value = randomBytes(8).toString('hex');
  const keys = ['a', 'b', 'c'].map((name) => `berth:probe:${value}:${name}`);
  const [key = ''] = keys;
  const answer = await connection.run(probeScript, keys, [value]);
  if (answer !== value)
    throw new BerthError('CONFIG_INVALID', `Redis at ${where} does not run scripts as Redis does`);
  try {
    if (await isInDatabaseZero(url, key))
      throw new BerthError(
        'CONFIG_INVALID',
        `Redis at ${where} ignores the database of REDIS_URL and writes to database 0; leave it out of the URL`,
      );
  } finally {
    await connection.call((client) => client.del(key));
  }
}

/** Whether what was written to another database is found in this one: some proxies take any number and heed none. */
async function isInDatabaseZero(url: string, key: string): Promise<boolean> {
  if (parseRedisUrl(url).database === 0) return false;
  const zero = await connectRedis(url, { role: 'producer', database: 0 });
  try {
    return (await zero.call((client) => client.exists(key))) === 1;
  } finally {
    zero.close();
  }
}

function infoField(info: string, name: string): string | undefined {
  return new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1];
}
