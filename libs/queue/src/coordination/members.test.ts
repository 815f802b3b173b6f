import { setTimeout as sleep } from 'node:timers/promises';
import type { MemberInfo } from '@berth/contracts';
import { describe, expect, it } from 'vitest';
import { useRedis } from '../testing/redis.ts';
import { globalKeys } from '../connection/keys.ts';
import { createMembers } from './members.ts';

const redis = useRedis();
const numerics = { tensorflow: '2', device: 'cpu', kernels: 'avx2', numThreads: 1 };

describe('members', () => {
  const infoOf = (memberId: string, step = 0): MemberInfo => ({
    memberId,
    host: '127.0.0.1',
    port: 7000,
    pid: 1,
    hostname: 'host',
    numerics,
    startedAtMs: 0,
    state: 'idle',
    runId: null,
    step,
    complaint: null,
    rankMs: null,
  });

  it('lists the living by id with their newest word, and drops who leaves', async () => {
    const members = createMembers(redis.connection);
    await members.heartbeat(infoOf('b'));
    await members.heartbeat(infoOf('a'));
    await members.heartbeat(infoOf('b', 3));
    expect((await members.list()).map(({ info }) => info)).toEqual([infoOf('a'), infoOf('b', 3)]);
    await members.leave('a');
    expect((await members.list()).map(({ info }) => info.memberId)).toEqual(['b']);
  });

  it('forgets the silent, and takes them back when they speak again', async () => {
    const members = createMembers(redis.connection, { ttlMs: 40 });
    const names = async (): Promise<string[]> =>
      (await members.list()).map(({ info }) => info.memberId);
    await members.heartbeat(infoOf('a'));
    await sleep(60);
    const all = await members.list({ forget: false });
    expect(all.map(({ info }) => info.memberId)).toEqual(['a']);
    expect(await names()).toEqual([]);
    const namesAfterBeat = async (): Promise<string[]> => {
      await members.heartbeat(infoOf('a'));
      return names();
    };
    await expect.poll(namesAfterBeat).toEqual(['a']);
  });

  it('of another release are read as far as they can be, and named when they cannot', async () => {
    const members = createMembers(redis.connection);
    await members.heartbeat(infoOf('a'));
    const later = { later: 1, numerics: { ...numerics, cores: 8 } };
    await members.heartbeat({ ...infoOf('b'), ...later });
    await members.heartbeat({ ...infoOf('c'), port: 'seven' as unknown as number });
    await redis.connection.client.hset('berth:members', 'a', '{"memberId":"a","ho');
    expect((await members.list()).map(({ info }) => info)).toEqual([infoOf('b')]);
    const { live, unreadable } = await members.survey();
    expect(live.map(({ info }) => info)).toEqual([infoOf('b')]);
    expect(unreadable).toEqual([
      { memberId: 'a', problem: expect.stringContaining('JSON') as string },
      { memberId: 'c', problem: 'port: Invalid input: expected number, received string' },
    ]);
  });

  it('hear with their heartbeats that they are to leave, until they have left', async () => {
    const members = createMembers(redis.connection);
    const order = { reason: 'a person asked for it', withinMs: 5_000 };
    expect(await members.order('a', order)).toBe(false);
    expect(await members.heartbeat(infoOf('a'))).toBeUndefined();
    expect(await members.order('a', order)).toBe(true);
    for (let beat = 0; beat < 2; beat += 1)
      expect(await members.heartbeat(infoOf('a'))).toEqual(order);
    expect(await members.heartbeat(infoOf('b'))).toBeUndefined();
    await members.leave('a');
    expect(await redis.connection.client.exists(globalKeys.membersOrders)).toBe(0);
  });

  it('wake who waits for news with news only', async () => {
    const members = createMembers(redis.connection);
    const news = members.news(new AbortController().signal);
    const { client } = redis.connection;
    const numListeners = async (): Promise<unknown> =>
      (await client.pubsub('NUMSUB', globalKeys.membersHints))[1];
    await expect.poll(numListeners).toBe(1);
    await members.heartbeat(infoOf('a'));
    expect(await news.wait(50)).toBe(false);
    const woken = news.wait(30_000);
    await members.heartbeat(infoOf('a'), { isNews: true });
    expect(await woken).toBe(true);
    await members.leave('a');
    expect(await news.wait(30_000)).toBe(true);
    news.close();
  });

  /** Leaves members and last look as they were before the clock of Redis was set. */
  const setClock = async (byMs: number): Promise<void> => {
    const { client } = redis.connection;
    for (const id of await client.hkeys(globalKeys.members))
      await client.zincrby(globalKeys.membersSeen, -byMs, id);
    await client.incrby(globalKeys.membersListed, -byMs);
  };
  const minutes = 60_000;

  it('does not let the dead live on after the clock of Redis went back', async () => {
    const members = createMembers(redis.connection, { ttlMs: 100 });
    await members.heartbeat(infoOf('a'));
    await members.list();
    await setClock(-10 * minutes);
    expect(await members.list()).toMatchObject([{ ageMs: 0 }]);
    await expect.poll(() => members.list()).toEqual([]);
  });

  it('drops nobody who lives when the clock of Redis went forward, but those who stay silent', async () => {
    const members = createMembers(redis.connection, { ttlMs: 500 });
    await members.heartbeat(infoOf('dead'));
    await members.heartbeat(infoOf('living'));
    await members.list();
    await setClock(10 * minutes);
    const names = async (): Promise<string[]> =>
      (await members.list()).map(({ info }) => info.memberId);
    expect(await names()).toEqual(['dead', 'living']);
    const namesAfterBeat = async (): Promise<string[]> => {
      await members.heartbeat(infoOf('living'));
      return names();
    };
    await expect.poll(namesAfterBeat).toEqual(['living']);
  });
});
