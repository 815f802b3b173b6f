import { once } from 'node:events';
import { cp, rm } from 'node:fs/promises';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { BerthError, errorToWire, type Logger } from '@berth/contracts';
import {
  connectRedis,
  startRedisServer,
  type RedisProcess,
  type RedisServerOptions,
} from '@berth/queue';
import { tcpOwner } from '../local/tcp-owner.ts';

/** An embedded Redis that comes back with its data, on the same socket, when it dies. */
export interface SupervisedRedis {
  readonly url: string;
  /** Ends it like a crash. Resolves when it is back, by itself, after the outage. */
  kill(outageMs?: number): Promise<void>;
  /** Lets it stand still for a while. */
  pause(durationMs: number): Promise<void>;
  /** Ends it like a crash. Resolves when it is back with what it had some time before, as from an old snapshot. */
  rollBack(ageMs: number): Promise<void>;
  /** Ends it like a crash. Resolves when a replica that lags so much behind has taken its place. */
  promoteReplica(lagMs: number): Promise<void>;
  stop(): Promise<void>;
}

const restartDelayMs = 200;
const pollMs = 10;
const syncTimeoutMs = 20_000;
/** What would let a client reach files, other machines or the server itself. */
const disabledCommands = [
  'CONFIG',
  'DEBUG',
  'MODULE',
  'MIGRATE',
  'REPLICAOF',
  'SLAVEOF',
  'FAILOVER',
  'SHUTDOWN',
];

/** @throws BerthError as `startRedisServer`, for the first start only */
export async function superviseRedis(
  given: RedisServerOptions & { readonly folder: string },
  logger: Logger,
): Promise<SupervisedRedis> {
  const options = { ...given, disabledCommands };
  const { folder } = options;
  let place = folder;
  let redis = await startRedisServer(options);
  const { url, socket } = redis;
  const startAgain = (): Promise<RedisProcess> =>
    startRedisServer({ ...options, folder: place, socket });
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
      await cp(place, copy, { recursive: true, filter: (path) => path !== socket });
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
      await makeReplica({ ...options, folder: replicaPlace }, socket);
      await sleep(lagMs);
      await replace(0, () => {
        place = replicaPlace;
        return startAgain();
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

/** Leaves in a folder what a replica has of the server on a socket. */
async function makeReplica(options: RedisServerOptions, socket: string): Promise<void> {
  const relay = await openRelay(socket);
  try {
    const replica = await startRedisServer({ ...options, replicaOfPort: relay.port });
    try {
      await untilCopied(replica);
    } finally {
      await replica.stop();
    }
  } finally {
    relay.close();
  }
}

async function untilCopied({ url }: RedisProcess): Promise<void> {
  const connection = await connectRedis(url, { role: 'producer' });
  const deadlineMs = performance.now() + syncTimeoutMs;
  const isCopied = async (): Promise<boolean> => {
    const state = await connection.client.info();
    const isWriting = /aof_rewrite_(in_progress|scheduled):1/.test(state);
    return state.includes('master_link_status:up') && !isWriting;
  };
  try {
    while (!(await isCopied())) {
      if (performance.now() > deadlineMs)
        throw new BerthError('QUEUE_UNREACHABLE', 'The replica of Redis did not become a copy');
      await sleep(pollMs);
    }
  } finally {
    connection.close();
  }
}

/** A port of loopback that leads to a socket, for processes of our own user only: replicas cannot dial a socket. */
async function openRelay(socket: string): Promise<{ port: number; close: () => void }> {
  const streams = new Set<Socket>();
  const server = createServer((incoming) => {
    if (tcpOwner({ port: incoming.remotePort ?? 0, isListening: false }) !== process.getuid?.()) {
      incoming.destroy();
      return;
    }
    const outgoing = connect(socket);
    for (const [from, to] of [
      [incoming, outgoing],
      [outgoing, incoming],
    ] as const) {
      streams.add(from);
      from.on('error', () => undefined).on('close', () => to.destroy());
      from.pipe(to);
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      server.close();
      for (const stream of streams) stream.destroy();
    },
  };
}
