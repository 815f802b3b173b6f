import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { connectRedis, type RedisConnection } from './connection/connection.ts';
import { useRedis } from './testing/redis.ts';
import { ledgerOf, storedOf } from '@berth/protocol/testing';
import { globalKeys } from './connection/keys.ts';
import { type LeaseAnswer } from '@berth/protocol';
import { createLease, keepLease, type Lease } from './coordination/lease.ts';
import { createLedger } from './coordination/ledger.ts';
import { redisServerPrograms, startRedisServer, type RedisProcess } from './server/redis-server.ts';
import { createRuns } from './records/runs.ts';
import { createViews } from './coordination/views.ts';

interface AgingRedis {
  readonly connection: () => RedisConnection;
  /** Keeps a copy of what is on disk. */
  copy(): Promise<void>;
  /** Ends it like a crash and starts it again, from the copy if there is one. */
  restart(): Promise<void>;
}

async function startAgingRedis(): Promise<AgingRedis> {
  const folder = await mkdtemp(join(tmpdir(), 'berth-older-'));
  const copied = `${folder}-copy`;
  const options = { programs: redisServerPrograms(process.env), folder, appendOnly: true };
  let server: RedisProcess = await startRedisServer(options);
  let connection = await connectRedis(server.url, { role: 'producer' });
  let hasCopy = false;
  onTestFinished(async () => {
    connection.close();
    await server.stop();
    for (const path of [folder, copied]) await rm(path, { recursive: true, force: true });
  });
  return {
    connection: () => connection,
    async copy() {
      await cp(folder, copied, { recursive: true, filter: (path) => path !== server.socket });
      hasCopy = true;
    },
    async restart() {
      connection.close();
      await server.kill('SIGKILL');
      if (hasCopy) {
        await rm(folder, { recursive: true });
        await cp(copied, folder, { recursive: true });
      }
      server = await startRedisServer(options);
      connection = await connectRedis(server.url, { role: 'producer' });
    },
  };
}

function heldBy(answer: LeaseAnswer): Extract<LeaseAnswer, { held: true }> {
  if (!answer.held) throw new Error(`The lease is held by ${answer.holderId}`);
  return answer;
}

describe('the lease of a Redis that was restarted', () => {
  const ttlMs = 60_000;

  it('begins a new epoch at once for its holder, and only one', async () => {
    const redis = await startAgingRedis();
    const leaseOf = (): Lease => createLease(redis.connection(), { holderId: 'a', ttlMs });
    const before = heldBy(await leaseOf().acquire());
    expect(before.serverEpoch).toBe(before.fencingEpoch);
    expect(heldBy(await leaseOf().acquire())).toEqual(before);
    await redis.restart();
    const after = heldBy(await leaseOf().acquire());
    expect(after.fencingEpoch).toBeGreaterThan(before.fencingEpoch);
    expect(after.serverEpoch).toBe(after.fencingEpoch);
    expect(heldBy(await leaseOf().acquire())).toEqual(after);
  });

  it('is looked at by each holder until what it lacked is back', async () => {
    const redis = await startAgingRedis();
    const leaseOf = (holderId: string): Lease =>
      createLease(redis.connection(), { holderId, ttlMs: 0 });
    const first = heldBy(await leaseOf('a').acquire());
    expect(first.isRestored).toBe(false);
    const second = heldBy(await leaseOf('b').acquire());
    expect(second).toMatchObject({ serverEpoch: first.serverEpoch, isRestored: false });
    await expect(leaseOf('a').noteRestored(first.fencingEpoch)).rejects.toMatchObject({
      code: 'QUEUE_STALE_EPOCH',
    });
    await leaseOf('b').noteRestored(second.fencingEpoch);
    expect(heldBy(await leaseOf('c').acquire()).isRestored).toBe(true);
    await redis.restart();
    expect(heldBy(await leaseOf('c').acquire()).isRestored).toBe(false);
  });

  it('gives no epoch out twice when it comes back older, even to a holder that knows of none', async () => {
    const redis = await startAgingRedis();
    const leaseOf = (holderId: string): Lease =>
      createLease(redis.connection(), { holderId, ttlMs: 1 });
    await leaseOf('a').acquire();
    await redis.copy();
    let newest = 0;
    for (let times = 0; times < 5; times++) {
      await sleep(5);
      newest = heldBy(await leaseOf(`b${times}`).acquire()).fencingEpoch;
    }
    await redis.restart();
    const after = heldBy(await leaseOf('c').acquire());
    expect(after.fencingEpoch).toBeGreaterThan(newest);
    expect(after.serverEpoch).toBe(after.fencingEpoch);
  });

  it('keeps the epoch of its life when only the holder changes', async () => {
    const redis = await startAgingRedis();
    const leaseOf = (holderId: string): Lease =>
      createLease(redis.connection(), { holderId, ttlMs: 1 });
    const first = heldBy(await leaseOf('a').acquire());
    await sleep(5);
    const second = heldBy(await leaseOf('b').acquire());
    expect(second.fencingEpoch).toBeGreaterThan(first.fencingEpoch);
    expect(second.serverEpoch).toBe(first.serverEpoch);
  });
});

describe('a coordinator of before a restart', () => {
  it('writes nothing until it has the lease of the new life', async () => {
    const redis = await startAgingRedis();
    const lease = createLease(redis.connection(), { holderId: 'a', ttlMs: 60_000 });
    const { fencingEpoch } = heldBy(await lease.acquire());
    const draft = { fencingEpoch, members: [], reason: 'test', mode: 'train' as const };
    await createViews(redis.connection(), 'run').publish(draft);
    await redis.restart();
    const connection = redis.connection();
    const stale = { code: 'QUEUE_STALE_EPOCH' };
    await expect(createViews(connection, 'run').publish(draft, 1)).rejects.toMatchObject(stale);
    const ledger = createLedger(connection, 'run');
    await expect(ledger.restore(storedOf(ledgerOf(3)), fencingEpoch)).rejects.toMatchObject(stale);
    await expect(
      ledger.rewind(0, { fencingEpoch, version: 1 }, fencingEpoch),
    ).rejects.toMatchObject(stale);
    const runs = createRuns(connection);
    await expect(runs.setActive('run', undefined, fencingEpoch)).rejects.toMatchObject(stale);
    const after = heldBy(
      await createLease(connection, { holderId: 'a', ttlMs: 60_000 }).acquire(fencingEpoch),
    );
    const again = { ...draft, fencingEpoch: after.fencingEpoch };
    expect(await createViews(connection, 'run').publish(again, 1)).toMatchObject({ version: 2 });
  });
});

describe('a lease', () => {
  const redis = useRedis();

  it('ends in time although the clock of Redis went back', async () => {
    const ttlMs = 200;
    await createLease(redis.connection, { holderId: 'dead', ttlMs }).acquire();
    const { client } = redis.connection;
    await client.hincrby(globalKeys.lease, 'expiresAtMs', 600_000);
    const standby = createLease(redis.connection, { holderId: 'standby', ttlMs });
    const first = await standby.acquire();
    expect(first).toMatchObject({ held: false, holderId: 'dead' });
    expect(first.held ? Infinity : first.remainingMs).toBeLessThanOrEqual(ttlMs);
    await expect.poll(() => standby.acquire()).toMatchObject({ held: true });
  });

  it('is given to a standby in a new life of Redis when it knows of a newer epoch', async () => {
    const { client } = redis.connection;
    const stop = new AbortController();
    const holder = createLease(redis.connection, { holderId: 'holder', ttlMs: 60_000 });
    const known = 2 * Date.now();
    await holder.acquire(known);
    const answers: Extract<LeaseAnswer, { held: true }>[] = [];
    const standby = createLease(redis.connection, { holderId: 'standby', ttlMs: 100 });
    let numAsked = 0;
    const counted: Lease = {
      ...standby,
      acquire: (usedEpoch) => {
        numAsked++;
        return standby.acquire(usedEpoch);
      },
    };
    const keeping = keepLease(counted, {
      signal: stop.signal,
      onAcquired: (held) => answers.push(held),
      onLost: () => undefined,
    });
    await expect.poll(() => numAsked).toBeGreaterThan(1);
    // As a replica that lags behind the newest epoch would have it, its holder gone.
    await client.hset(globalKeys.lease, 'epoch', known - 10, 'expiresAtMs', 0);
    await expect.poll(() => answers.length).toBe(1);
    stop.abort();
    await keeping;
    expect(answers[0]?.fencingEpoch).toBeGreaterThan(known + 1);
    expect(answers[0]?.serverEpoch).toBe(answers[0]?.fencingEpoch);
  });
});
