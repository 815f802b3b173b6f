import {
  BerthError,
  parseRedisUrl,
  silentLogger,
  type Logger,
  type RedisPlace,
} from '@berth/contracts';
import { Redis, type RedisOptions } from 'ioredis';
import type { Script } from './script.ts';

export interface ConnectOptions {
  /**
   * `producer`: a command fails at once while Redis is away, and within 5 s when it does not answer.
   * `worker`: a command waits for Redis to come back, as BullMQ's workers need.
   */
  readonly role: 'producer' | 'worker';
  readonly logger?: Logger;
  /** @defaultValue that of the URL */
  readonly database?: number;
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
 * @param url - as `parseRedisUrl` reads it
 * @throws BerthError `QUEUE_UNREACHABLE` naming host and port, or the socket; `CONFIG_INVALID` when it refuses the user, the
 * password or the database, or the URL is not one
 */
export async function connectRedis(url: string, options: ConnectOptions): Promise<RedisConnection> {
  const { role, logger = silentLogger, timeoutMs = 5_000 } = options;
  const place = parseRedisUrl(url);
  const { where } = place;
  const { database = place.database } = options;
  const client = openClient({ ...place, database }, role);
  reportOutages(client, where, logger);
  try {
    await firstReady(client, timeoutMs);
    // The client goes on in database 0 when another is refused, and tells of it by an event only.
    if (database !== 0) await client.select(database);
  } catch (error) {
    client.disconnect();
    throw refusal(where, error, database) ?? unreachable(where, error, place);
  }
  return wrapClient(client, where);
}

function firstReady(client: Redis, timeoutMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let lastError: unknown = new Error(`no answer within ${timeoutMs} ms`);
    const remember = (error: unknown): void => {
      lastError = error;
      if (isRefusal(error)) reject(error);
    };
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

function openClient(place: RedisPlace, role: ConnectOptions['role']): Redis {
  const { server, username, password, database } = place;
  return new Redis({
    ...roleOptions[role],
    lazyConnect: true,
    db: database,
    ...('path' in server
      ? { path: server.path }
      : { host: server.host, port: server.port, ...(server.isTls && { tls: {} }) }),
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
  });
}

/** `host:port` of a Redis URL, or the path of its socket; never its credentials. */
export function redisAddress(url: string): string {
  return parseRedisUrl(url).where;
}

/** Replies that the same settings get again. */
const refusals = /^(WRONGPASS|NOAUTH|ERR (invalid password|AUTH |Client sent AUTH|DB index))/;

/** Also as a script meets it, in the words of each release. */
const lacksRight = /\bNOPERM\b|ACL failure in script|user executing the script can't/;

function isRefusal(error: unknown): error is Error {
  return (
    error instanceof Error &&
    error.name === 'ReplyError' &&
    (refusals.test(error.message) || lacksRight.test(error.message))
  );
}

/** What is wrong with the settings, if that is why Redis cannot be used. */
function refusal(where: string, error: unknown, database: number): BerthError | undefined {
  if (!isRefusal(error)) return undefined;
  const { message } = error;
  const what = message.startsWith('ERR DB index')
    ? `has no database ${database} (${message}); name another at the end of REDIS_URL`
    : lacksRight.test(message)
      ? `refuses what berth needs: ${message}; ${neededRights}`
      : `refuses the user or password of REDIS_URL (${message.split(' ')[0]}); correct them, with special characters percent-encoded`;
  return new BerthError('CONFIG_INVALID', `Redis at ${where} ${what}`, {
    cause: error,
    details: { redis: where },
  });
}

/** The rights of a user of an access control list; README has the reasons. */
const neededRights = 'grant the user: ACL SETUSER name ~berth:* &berth:* +@all -@dangerous +info';

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
  if (isReply && lacksRight.test(error.message)) return refusal(where, error, 0)!;
  if (!isReply || isPassing(error)) return refusesWrites(error, where) ?? unreachable(where, error);
  return new BerthError('INTERNAL', `Redis at ${where} rejected a command: ${error.message}`, {
    cause: error,
  });
}

/** A transaction is refused for what one of its commands was refused for. */
function isPassing(error: Error & { readonly previousErrors?: readonly Error[] }): boolean {
  return passing.test(error.message) || (error.previousErrors ?? []).some(isPassing);
}

/** Why a server that answers takes no writes: by the name of its reply, what is wrong and what helps. */
const writeRefusals: readonly (readonly [RegExp, string])[] = [
  [/\bOOM\b/, 'it has no memory left; raise its maxmemory, or free some'],
  [
    /\bMISCONF\b/,
    'it cannot write to its disk; free space there, and look into its log if that does not help',
  ],
];

/** The error for a server that reads but does not write; undefined for any other error. */
function refusesWrites(error: unknown, where: string): BerthError | undefined {
  const text = textsOf(error).join(' ');
  const why = writeRefusals.find(([pattern]) => pattern.test(text))?.[1];
  if (why === undefined) return undefined;
  return new BerthError(
    'QUEUE_UNREACHABLE',
    `Redis refuses writes: ${why}; what runs goes on by itself then. It is the Redis at ${where}`,
    { cause: error, details: { redis: where } },
  );
}

/** What an error says, and for a transaction what each of its commands was refused for. */
function textsOf(error: unknown): string[] {
  if (!(error instanceof Error)) return [];
  const { previousErrors = [] } = error as { readonly previousErrors?: readonly Error[] };
  return error.name === 'ReplyError' ? [error.message, ...previousErrors.flatMap(textsOf)] : [];
}

function unreachable(where: string, cause: unknown, place?: RedisPlace): BerthError {
  const why = cause instanceof Error ? cause.message || cause.name : String(cause);
  return new BerthError(
    'QUEUE_UNREACHABLE',
    `Redis at ${where} cannot be used: ${why}; ${remedyOf(why, place)}`,
    { cause, details: { redis: where } },
  );
}

function remedyOf(why: string, place?: RedisPlace): string {
  if (/certificate/i.test(why))
    return 'name the authority of its certificate: NODE_EXTRA_CA_CERTS=ca.pem';
  const isTls = place !== undefined && 'host' in place.server && place.server.isTls;
  if (isTls && !/ECONNREFUSED|ENOTFOUND|EAI_AGAIN/.test(why))
    return 'write redis:// unless it speaks TLS there, or correct the Redis URL';
  if (/ECONNRESET|Connection is closed/.test(why))
    return 'start it, write rediss:// if it speaks TLS, or correct the Redis URL';
  return 'start it, or correct the Redis URL';
}
