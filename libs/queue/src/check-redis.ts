import { BerthError } from '@berth/contracts';
import { connectRedis } from './connection.ts';

export interface RedisReport {
  readonly version: string;
  readonly appendOnly: boolean;
  /** What works but should be changed, for people. */
  readonly warnings: readonly string[];
}

/**
 * Checks that a Redis server is fit to hold the ledger and the queue.
 * @throws BerthError `QUEUE_UNREACHABLE` when it does not answer; `CONFIG_INVALID` when it may evict keys
 */
export async function checkRedis(url: string): Promise<RedisReport> {
  const connection = await connectRedis(url, { role: 'producer' });
  try {
    const info = await connection.call((client) => client.info());
    const version = infoField(info, 'redis_version') ?? 'unknown';
    const policy = infoField(info, 'maxmemory_policy');
    if (policy !== 'noeviction')
      throw new BerthError(
        'CONFIG_INVALID',
        `Redis at ${connection.where} may evict keys (maxmemory-policy ${policy ?? 'unknown'}); ` +
          'run: redis-cli config set maxmemory-policy noeviction',
      );
    const appendOnly = infoField(info, 'aof_enabled') === '1';
    const warnings = appendOnly
      ? []
      : [
          'appendonly is off: a restart of Redis loses the queue; run: redis-cli config set appendonly yes',
        ];
    return { version, appendOnly, warnings };
  } finally {
    connection.close();
  }
}

function infoField(info: string, name: string): string | undefined {
  return new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1];
}
