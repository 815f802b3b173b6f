import { Worker } from 'node:worker_threads';
import { stepsPerSegment } from '@berth/checkpoint';
import { silentLogger, type LedgerEntry, type ObjectStore } from '@berth/contracts';
import { LedgerVerifier, nextHead, newAttempt, perform } from '@berth/protocol';
import { createLease, keepLease, openRun, redisAddress, type RedisConnection } from '@berth/queue';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { pastOf } from '../testing/past-of.ts';
import { entriesOf, globalBatch, storeCheckpoint } from '../testing/made-up-run.ts';
import { openBackends, type Backends } from '../testing/services.ts';

const numSteps = 60_000;
const attempts = [newAttempt(1, 0, 1)];
const entries = entriesOf(numSteps, { fencingEpoch: 1, viewVersion: 1 });

let backends: Backends;
beforeAll(async () => {
  backends = await openBackends();
});
afterAll(() => backends.close());
beforeEach(() => backends.connection.call((client) => client.flushall()));

const hasRunOut = `
  local time, ends = redis.call('TIME'), redis.call('HGET', 'berth:lease', 'expiresAtMs')
  if time[1] * 1000 + time[2] / 1000 > tonumber(ends) then return 1 end
  return 0`;

/** Looks from another thread how often the lease has run out: a standby would have taken it. */
function watchLease(redisUrl: string): { stop: () => Promise<number> } {
  const numRunOut = new Int32Array(new SharedArrayBuffer(4));
  const ask = `*3\r\n$4\r\nEVAL\r\n$${hasRunOut.length}\r\n${hasRunOut}\r\n$1\r\n0\r\n`;
  const watcher = new Worker(
    `const { workerData: { path, ask, numRunOut } } = require('node:worker_threads');
     const socket = require('node:net').connect(path).setEncoding('utf8');
     setInterval(() => socket.write(ask), 5);
     socket.on('data', (answers) => Atomics.add(numRunOut, 0, answers.split(':1').length - 1));`,
    { eval: true, workerData: { path: redisAddress(redisUrl), ask, numRunOut } },
  );
  return {
    async stop() {
      await watcher.terminate();
      return Atomics.load(numRunOut, 0);
    },
  };
}

const phases = [{ firstStep: 0, startsEpoch: false, globalBatch }];

async function expectWhole(
  connection: RedisConnection,
  runId: string,
  stored: readonly LedgerEntry[],
): Promise<void> {
  const verifier = new LedgerVerifier({ phases, expectHead: stored.at(-1)?.head ?? '' });
  for await (const page of openRun(connection, runId).ledger.pages(0, stored.length))
    verifier.add(page);
  expect(verifier.report()).toMatchObject({ ok: true, numSteps: stored.length });
}

/** How a coordinator fares that puts a ledger back with a lease that is shorter than the time to check it. */
async function restoreUnderLease(): Promise<{ events: string[]; numRunOut: number }> {
  const { connection, store, services } = backends;
  await connection.call((client) => client.flushall());
  const startMs = performance.now();
  let head = '';
  for (const entry of entries) head = nextHead(head, entry);
  expect(head).not.toBe('');
  // As slow as this machine is now.
  const ttlMs = Math.ceil(0.8 * (performance.now() - startMs));

  const ending = new AbortController();
  const events: string[] = [];
  let onEpoch: (epoch: number) => void = () => undefined;
  const acquired = new Promise<number>((resolve) => (onEpoch = resolve));
  const lease = createLease(connection, { holderId: 'leader', ttlMs });
  const keeping = keepLease(lease, {
    onAcquired: ({ fencingEpoch: epoch }) => {
      events.push('acquired');
      onEpoch(epoch);
    },
    onLost: () => events.push('lost'),
    signal: ending.signal,
  });
  const fencingEpoch = await acquired;
  const watcher = watchLease(services.redisUrl);
  const past = pastOf({ connection, store, logger: silentLogger }, 'long');
  await perform(past.restore(fencingEpoch, attempts));
  const numRunOut = await watcher.stop();
  ending.abort();
  await keeping;
  return { events, numRunOut };
}

it('restores a ledger without losing a lease that is shorter than the time to check it', async () => {
  const { connection, store } = backends;
  await storeCheckpoint(store, 'long', entries, 1, stepsPerSegment);
  // Others on the machine may stop the process for as long as the lease lasts; one that checks in one go always loses it.
  let fared = await restoreUnderLease();
  for (let tries = 1; tries < 8 && fared.numRunOut > 0; tries++) fared = await restoreUnderLease();
  expect(fared).toEqual({ events: ['acquired'], numRunOut: 0 });
  await expectWhole(connection, 'long', entries);
});

class Killed extends Error {}

it('goes on where a coordinator died over it, and reads no segment that is back already', async () => {
  const { connection, store } = backends;
  const stored = entries.slice(0, 4 * stepsPerSegment);
  await storeCheckpoint(store, 'died', stored, 1, stepsPerSegment);
  const read: string[] = [];
  const watched: ObjectStore = {
    ...store,
    get: (key, options) => {
      if (key.endsWith('.jsonl')) read.push(key);
      return store.get(key, options);
    },
  };
  let numPut = 0;
  const mortal: RedisConnection = {
    ...connection,
    run(script, keys, args) {
      numPut += Math.max(0, args.length - 3);
      if (numPut > 1.5 * stepsPerSegment) throw new Killed();
      return connection.run(script, keys, args);
    },
  };
  const acquire = async (holderId: string): Promise<number> =>
    (await createLease(connection, { holderId, ttlMs: 0 }).acquire()).fencingEpoch;
  const restore = (by: RedisConnection, epoch: number): Promise<void> =>
    perform(
      pastOf({ connection: by, store: watched, logger: silentLogger }, 'died').restore(
        epoch,
        attempts,
      ),
    );

  await expect(restore(mortal, await acquire('first'))).rejects.toThrow(Killed);
  // It begins to put entries back before it has read them all.
  expect(read.length).toBe(2);
  read.length = 0;
  await restore(connection, await acquire('second'));
  expect(read.length).toBe(3);
  await expectWhole(connection, 'died', stored);
});
