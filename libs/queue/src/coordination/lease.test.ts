import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { useRedis } from '../testing/redis.ts';
import { decideLease, type Holding, type LeaseAnswer, type ViewDraft } from '@berth/protocol';
import { createLease, keepLease, type Lease } from './lease.ts';
import { createViews } from './views.ts';

const redis = useRedis();
const leaseOf = (holderId: string, ttlMs = 60_000): Lease =>
  createLease(redis.connection, { holderId, ttlMs });

describe('createLease', () => {
  it('has one holder at a time and keeps its epoch through renewals', async () => {
    const [a, b] = [leaseOf('a'), leaseOf('b')];
    const { fencingEpoch } = await a.acquire();
    expect(await b.acquire()).toMatchObject({ held: false, holderId: 'a', fencingEpoch });
    expect(await a.acquire()).toMatchObject({ held: true, fencingEpoch });
  });

  it('starts a new epoch when the holder changes, by release or by expiry', async () => {
    const [a, b] = [leaseOf('a'), leaseOf('b', 1)];
    const first = await a.acquire();
    await a.release();
    const second = await b.acquire();
    expect(second).toMatchObject({ held: true });
    expect(second.fencingEpoch).toBeGreaterThan(first.fencingEpoch);
    await sleep(5);
    const third = await a.acquire();
    expect(third).toMatchObject({ held: true });
    expect(third.fencingEpoch).toBeGreaterThan(second.fencingEpoch);
    await b.release();
    expect(await b.acquire()).toMatchObject({ held: false, holderId: 'a' });
  });

  it('lets exactly one of many contenders win', async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) => leaseOf(`c${index}`).acquire()),
    );
    expect(answers.filter(({ held }) => held)).toHaveLength(1);
  });

  it('gives no epoch out twice, even to a new holder after a loss of all data', async () => {
    const before = await leaseOf('a').acquire();
    await redis.connection.call((client) => client.flushall());
    await sleep(5);
    const after = await leaseOf('b').acquire();
    expect(after.fencingEpoch).toBeGreaterThan(before.fencingEpoch);
  });

  it('passes an epoch known from a ledger', async () => {
    const lease = leaseOf('a');
    const known = 10 * Date.now();
    const held = true;
    const first = { held, fencingEpoch: known + 1, serverEpoch: known + 1, isRestored: false };
    expect(await lease.acquire(known)).toEqual(first);
    expect(await lease.acquire(known + 1)).toEqual(first);
    const second = { held, fencingEpoch: known + 3, serverEpoch: known + 3, isRestored: false };
    expect(await lease.acquire(known + 2)).toEqual(second);
    await lease.release();
    expect(await leaseOf('b').acquire()).toEqual({ ...second, fencingEpoch: known + 4 });
  });

  it('fences a coordinator that was replaced, before its successor has published anything', async () => {
    const zombie = leaseOf('zombie', 1);
    const { fencingEpoch } = await zombie.acquire();
    await sleep(5);
    await leaseOf('successor').acquire();
    const views = createViews(redis.connection, 'run');
    const draft: ViewDraft = { fencingEpoch, members: [], reason: 'zombie', mode: 'train' };
    for (let attempt = 0; attempt < 50; attempt++)
      await expect(views.publish(draft)).rejects.toMatchObject({ code: 'QUEUE_STALE_EPOCH' });
    expect(await views.current()).toBeUndefined();
  });
});

describe('decideLease', () => {
  const times = { sentMs: 1_000, nowMs: 1_100, ttlMs: 300 };
  const holding: Holding = { epoch: 4, renewedMs: 900 };
  const standby: Holding = { epoch: undefined, renewedMs: 0 };
  const answerOf = (epoch: number): LeaseAnswer => ({
    held: true,
    fencingEpoch: epoch,
    serverEpoch: epoch,
    isRestored: true,
  });

  it('keeps the lease over an outage shorter than its time to live, and no longer', () => {
    expect(decideLease(holding, 'unreachable', times)).toMatchObject({ event: 'none', holding });
    const later = { ...times, nowMs: 1_200 };
    expect(decideLease(holding, 'unreachable', later)).toMatchObject({
      event: 'lost',
      holding: { epoch: undefined },
    });
    expect(decideLease(standby, 'unreachable', later).event).toBe('none');
  });

  it('counts the time to live from when the renewal was sent', () => {
    const decision = decideLease(holding, answerOf(4), times);
    expect(decision).toMatchObject({ event: 'none', holding: { epoch: 4, renewedMs: 1_000 } });
  });

  it('tells a new epoch from a renewal and a loss from standing by', () => {
    const answer = { held: false, fencingEpoch: 5, holderId: 'b', remainingMs: 10 } as const;
    expect(decideLease(holding, answer, times).event).toBe('lost');
    expect(decideLease(standby, answer, times).event).toBe('none');
    expect(decideLease(holding, answerOf(6), times).event).toBe('acquired');
    expect(decideLease(standby, answerOf(6), times).event).toBe('acquired');
  });
});

describe('keepLease', () => {
  it('begins a new epoch when Redis has lost its data', async () => {
    const epochs: number[] = [];
    const stop = new AbortController();
    const keeping = keepLease(leaseOf('a', 150), {
      signal: stop.signal,
      onAcquired: ({ fencingEpoch }) => epochs.push(fencingEpoch),
      onLost: () => undefined,
    });
    while (epochs.length < 1) await sleep(5);
    await redis.connection.call((client) => client.flushall());
    while (epochs.length < 2) await sleep(5);
    stop.abort();
    await keeping;
    expect(epochs[1]).toBeGreaterThan(epochs[0] ?? Infinity);
  });

  it('hands over to a standby when the holder stops', async () => {
    const events: string[] = [];
    const keep = (name: string, signal: AbortSignal): Promise<void> =>
      keepLease(leaseOf(name, 150), {
        signal,
        onAcquired: () => events.push(`${name} acquired`),
        onLost: () => events.push(`${name} lost`),
      });
    const [first, second] = [new AbortController(), new AbortController()];
    const keepingFirst = keep('a', first.signal);
    while (events.length === 0) await sleep(5);
    const keepingSecond = keep('b', second.signal);
    await sleep(200);
    first.abort();
    await keepingFirst;
    while (events.length < 2) await sleep(5);
    second.abort();
    await keepingSecond;
    expect(events).toEqual(['a acquired', 'b acquired']);
  });
});
