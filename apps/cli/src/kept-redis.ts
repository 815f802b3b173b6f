import { cp, rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { BerthError, errorToWire, type Logger } from '@berth/contracts';
import {
  connectRedis,
  startRedisServer,
  type RedisProcess,
  type RedisServerOptions,
} from '@berth/queue';

/** An embedded Redis that comes back with its data, on the same port, when it dies. */
export interface KeptRedis {
  readonly url: string;
  /** Ends it like a crash. Resolves when it is back, by itself, after the outage. */
  kill(outageMs?: number): Promise<void>;
  /** Lets it stand still for a while. */
  pause(durationMs: number): Promise<void>;
  /** Ends it like a crash. Resolves when it is back with what it had some time before, as from an old snapshot. */
  rollBack(ageMs: number): Promise<void>;
  /**
   * Ends it like a crash. Resolves when a replica that lags so much behind has taken its place.
   * @throws BerthError `RUNTIME_UNAVAILABLE` when servers cannot change their port, before Redis 7
   */
  promoteReplica(lagMs: number): Promise<void>;
  stop(): Promise<void>;
}

const restartDelayMs = 200;
const pollMs = 10;
const syncTimeoutMs = 20_000;

/** @throws BerthError as `startRedisServer`, for the first start only */
export async function keepRedis(
  { folder, ...options }: RedisServerOptions & { readonly folder: string },
  logger: Logger,
): Promise<KeptRedis> {
  let place = folder;
  let redis = await startRedisServer({ ...options, folder });
  const { url, port } = redis;
  const startAgain = (): Promise<RedisProcess> =>
    startRedisServer({ ...options, folder: place, port });
  let delayMs = restartDelayMs;
  let nextRedis = startAgain;
  const stopping = new AbortController();
  const keep = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await redis.exited;
      await sleep(delayMs, undefined, { signal: stopping.signal }).catch(() => undefined);
      if (stopping.signal.aborted) return;
      logger.warn('Redis has ended; starting it again', { url });
      try {
        redis = await nextRedis();
      } catch (error) {
        logger.warn('Redis did not start', { error: errorToWire(error) });
      }
    }
  };
  const keeping = keep();
  /** Kills it and lets another one take its place. */
  const replace = async (afterMs: number, next: () => Promise<RedisProcess>): Promise<void> => {
    const killed = redis;
    [delayMs, nextRedis] = [afterMs, next];
    await killed.kill('SIGKILL');
    const isBack = (): boolean => redis !== killed || stopping.signal.aborted;
    while (!isBack()) await sleep(pollMs);
    [delayMs, nextRedis] = [restartDelayMs, startAgain];
  };
  let numReplicas = 0;

  return {
    url,
    kill: (outageMs = restartDelayMs) => replace(outageMs, startAgain),
    async pause(durationMs) {
      const paused = redis;
      await paused.kill('SIGSTOP');
      await sleep(durationMs);
      await paused.kill('SIGCONT');
    },
    async rollBack(ageMs) {
      const copy = `${place}-copy`;
      await cp(place, copy, { recursive: true });
      await sleep(ageMs);
      await replace(restartDelayMs, async () => {
        await rm(place, { recursive: true });
        await cp(copy, place, { recursive: true });
        return startAgain();
      });
      await rm(copy, { recursive: true });
    },
    async promoteReplica(lagMs) {
      const replicaPlace = `${folder}-replica-${++numReplicas}`;
      const replica = await startRedisServer({ ...options, folder: replicaPlace });
      await copyOf(replica, port);
      await sleep(lagMs);
      await replace(0, async () => {
        await takePort(replica, port);
        place = replicaPlace;
        return replica;
      });
    },
    async stop() {
      stopping.abort();
      await redis.stop();
      await keeping;
      // It may have been starting again at that very moment.
      await redis.stop();
    },
  };
}

/** Lets a server become a copy of another one, and then part from it. */
async function copyOf(replica: RedisProcess, port: number): Promise<void> {
  const connection = await connectRedis(replica.url, { role: 'producer' });
  const { client } = connection;
  await client.replicaof('127.0.0.1', port);
  const deadlineMs = performance.now() + syncTimeoutMs;
  const isCopied = async (): Promise<boolean> => {
    const state = await client.info();
    if (/redis_version:[1-6]\./.test(state))
      throw new BerthError(
        'RUNTIME_UNAVAILABLE',
        'A replica takes the place of a server of Redis 7 or newer only: older ones cannot change their port',
      );
    const isWriting = /aof_rewrite_(in_progress|scheduled):1/.test(state);
    return state.includes('master_link_status:up') && !isWriting;
  };
  while (!(await isCopied())) {
    if (performance.now() > deadlineMs)
      throw new BerthError('QUEUE_UNREACHABLE', 'The replica of Redis did not become a copy');
    await sleep(pollMs);
  }
  await client.call('REPLICAOF', 'NO', 'ONE');
  connection.close();
}

/** Lets a running server answer on the port of one that has ended. */
async function takePort(replica: RedisProcess, port: number): Promise<void> {
  const connection = await connectRedis(replica.url, { role: 'producer' });
  const { client } = connection;
  await client.config('SET', 'port', String(port));
  connection.close();
}
