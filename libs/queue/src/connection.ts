import { BerthError, silentLogger, type Logger } from '@berth/contracts';
import { Redis, type RedisOptions } from 'ioredis';
import type { Script } from './script.ts';

export interface ConnectOptions {
  /**
   * `producer`: a command fails at once while Redis is away, and within 5 s when it does not answer.
   * `worker`: a command waits for Redis to come back, as BullMQ's workers need.
   */
  readonly role: 'producer' | 'worker';
  readonly logger?: Logger;
  /** Longest wait for the first connection. @defaultValue 5_000 */
  readonly timeoutMs?: number;
}

/** A Redis client whose errors are berth's. */
export interface RedisConnection {
  readonly client: Redis;
  /** `host:port` or the path of a socket, for messages. */
  readonly where: string;
  /**
   * Runs commands.
   * @throws BerthError `QUEUE_UNREACHABLE` when Redis is away or full, `INTERNAL` when it rejects the command
   */
  call<T>(commands: (client: Redis) => Promise<T>): Promise<T>;
  /** Runs a Lua script by digest, sending its text only where the server lacks it. */
  run(
    script: Script,
    keys: readonly string[],
    args: readonly (string | number)[],
  ): Promise<unknown>;
  close(): void;
}

/**
 * Connects to Redis and waits until it answers.
 * @param url - `redis://` or `rediss://` with host and port, or `unix://` with the path of a socket, where `?db=N` selects a database
 * @throws BerthError `QUEUE_UNREACHABLE` naming host and port, or the socket
 */
export async function connectRedis(url: string, options: ConnectOptions): Promise<RedisConnection> {
  const { role, logger = silentLogger, timeoutMs = 5_000 } = options;
  const where = redisAddress(url);
  const client = openClient(url, role);
  reportOutages(client, where, logger);
  try {
    await firstReady(client, timeoutMs);
  } catch (error) {
    client.disconnect();
    throw unreachable(where, error);
  }
  return wrapClient(client, where);
}

function firstReady(client: Redis, timeoutMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let lastError: unknown = new Error(`no answer within ${timeoutMs} ms`);
    const remember = (error: unknown): void => void (lastError = error);
    const timer = setTimeout(() => reject(lastError as Error), timeoutMs);
    client.on('error', remember);
    client.once('ready', () => {
      clearTimeout(timer);
      client.off('error', remember);
      resolve();
    });
    client.connect().catch(() => undefined); // Its errors also come as events.
  });
}

function openClient(url: string, role: ConnectOptions['role']): Redis {
  const options = { ...roleOptions[role], lazyConnect: true };
  if (!isSocket(url)) return new Redis(url, options);
  const { pathname, searchParams } = new URL(url);
  const db = Number(searchParams.get('db') ?? 0);
  return new Redis({ ...options, path: decodeURIComponent(pathname), db });
}

function isSocket(url: string): boolean {
  return url.startsWith('unix:');
}

/** `host:port` of a Redis URL, or the path of its socket; never its credentials. */
export function redisAddress(url: string): string {
  try {
    const { hostname, port, pathname } = new URL(url);
    if (isSocket(url)) return decodeURIComponent(pathname);
    return `${hostname}:${port || '6379'}`;
  } catch (cause) {
    throw new BerthError('CONFIG_INVALID', 'the Redis URL is not one; use redis://host:port', {
      cause,
    });
  }
}

const retryStrategy = (): number => 200 + Math.floor(Math.random() * 300);

const roleOptions = {
  producer: {
    retryStrategy,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 1,
    commandTimeout: 5_000,
  },
  worker: { retryStrategy, maxRetriesPerRequest: null },
} satisfies Record<ConnectOptions['role'], RedisOptions>;

function wrapClient(client: Redis, where: string): RedisConnection {
  const call: RedisConnection['call'] = async (commands) => {
    try {
      return await commands(client);
    } catch (error) {
      throw translate(error, where);
    }
  };
  return {
    client,
    where,
    call,
    run: (script, keys, args) =>
      call(async () => {
        try {
          return await client.evalsha(script.sha1, keys.length, ...keys, ...args);
        } catch (error) {
          if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error;
          return client.eval(script.lua, keys.length, ...keys, ...args);
        }
      }),
    close: () => client.disconnect(),
  };
}

/** Logs the first error of an outage and the return, not every retry. */
function reportOutages(client: Redis, where: string, logger: Logger): void {
  let away = false;
  client.on('error', (error: Error) => {
    if (!away) logger.warn('Redis is unreachable', { redis: where, error: error.message });
    away = true;
  });
  client.on('ready', () => {
    if (away) logger.info('Redis is back', { redis: where });
    away = false;
  });
}

/**
 * Error replies that a later attempt may not get: full, loading, failing over, too few replicas, busy in a script. Redis 6 wraps those that a
 * script meets: `ERR Error running script (...): @user_script:1: @user_script: 1: -OOM command not allowed`.
 */
const passing = new RegExp(
  String.raw`^(ERR .*\bscript\b.*[\s:-]|@user_script:.*[\s:-])?` +
    String.raw`(OOM|LOADING|READONLY|MASTERDOWN|BUSY|TRYAGAIN|MISCONF|UNKILLABLE|NOREPLICAS|CLUSTERDOWN)\b` +
    String.raw`|^ERR max number of clients reached`,
  's',
);

function translate(error: unknown, where: string): BerthError {
  if (error instanceof BerthError) return error;
  const isReply = error instanceof Error && error.name === 'ReplyError';
  if (!isReply || isPassing(error)) return unreachable(where, error);
  return new BerthError('INTERNAL', `Redis at ${where} rejected a command: ${error.message}`, {
    cause: error,
  });
}

/** A transaction is refused for what one of its commands was refused for. */
function isPassing(error: Error & { readonly previousErrors?: readonly Error[] }): boolean {
  return passing.test(error.message) || (error.previousErrors ?? []).some(isPassing);
}

function unreachable(where: string, cause: unknown): BerthError {
  const why = cause instanceof Error ? cause.message || cause.name : String(cause);
  return new BerthError(
    'QUEUE_UNREACHABLE',
    `Redis at ${where} cannot be used: ${why}; start it, or correct the Redis URL`,
    { cause, details: { redis: where } },
  );
}
