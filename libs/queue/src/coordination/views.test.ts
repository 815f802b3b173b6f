import { setTimeout as sleep } from 'node:timers/promises';
import type { View } from '@berth/contracts';
import { beforeEach, describe, expect, it } from 'vitest';
import { beginEpoch, useRedis } from '../testing/redis.ts';
import { runKeys } from '../connection/keys.ts';
import { type ViewDraft } from '@berth/protocol';
import { createViews } from './views.ts';

const redis = useRedis();

beforeEach(() => beginEpoch(redis.connection, 1));

const draft: ViewDraft = {
  fencingEpoch: 1,
  mode: 'train',
  reason: 'test',
  members: ['b', 'a'].map((memberId) => ({
    memberId,
    host: '127.0.0.1',
    port: 7000,
    blocks: [],
  })),
};

describe('views', () => {
  it('gives each view the next version and sorts its members', async () => {
    const views = createViews(redis.connection, 'run');
    expect(await views.current()).toBeUndefined();
    const first = await views.publish(draft);
    expect(first).toMatchObject({ runId: 'run', version: 1, fromStep: 0 });
    expect(first.members.map(({ memberId }) => memberId)).toEqual(['a', 'b']);
    expect(await views.current()).toEqual(first);
    expect((await views.publish(draft, first.version)).version).toBe(2);
  });

  it('reads a view of another release as far as it goes, and replaces one that it cannot read', async () => {
    const views = createViews(redis.connection, 'run');
    const { view: key } = runKeys('run');
    const first = await views.publish(draft);
    const later = {
      ...draft,
      members: first.members.map((seat) => ({ ...seat, rack: 1 })),
      later: 1,
    };
    await redis.connection.client.hset(key, 'json', JSON.stringify(later));
    expect(await views.current()).toEqual(first);
    for (const json of ['{"mode":"train"', JSON.stringify({ ...draft, mode: 'sleep' })]) {
      await redis.connection.client.hset(key, 'json', json);
      const broken = await views.current();
      expect(broken).toMatchObject({ version: 1, fencingEpoch: 1, fromStep: 0, members: [] });
      expect(broken?.reason).toMatch(/^view 1 cannot be read: /);
    }
    expect((await views.publish(draft, 1)).version).toBe(2);
  });

  it('goes on above the version replaced when Redis has lost it', async () => {
    const views = createViews(redis.connection, 'run');
    expect((await views.publish(draft, 10)).version).toBe(11);
  });

  it('replaces only the view that was decided upon: what arrives late undoes nothing', async () => {
    const views = createViews(redis.connection, 'run');
    const { version } = await views.publish(draft);
    const fence = await views.publish({ ...draft, members: [] }, version);
    for (const replaces of [undefined, version, fence.version + 1])
      await expect(views.publish(draft, replaces)).rejects.toMatchObject({
        code: 'QUEUE_VIEW_REPLACED',
        details: { inForce: fence.version },
      });
    expect(await views.current()).toEqual(fence);
  });

  it('refuses an epoch older than the current view', async () => {
    const views = createViews(redis.connection, 'run');
    await beginEpoch(redis.connection, 2);
    const current = await views.publish({ ...draft, fencingEpoch: 2 });
    await expect(views.publish(draft)).rejects.toMatchObject({ code: 'QUEUE_STALE_EPOCH' });
    expect(await views.current()).toEqual(current);
  });

  it('refuses the holder of a lease that Redis has lost', async () => {
    const views = createViews(redis.connection, 'run');
    await views.publish(draft);
    await redis.connection.call((client) => client.flushall());
    await expect(views.publish(draft)).rejects.toMatchObject({ code: 'QUEUE_STALE_EPOCH' });
    expect(await views.current()).toBeUndefined();
  });

  it('tells subscribers of each view once, the current one first', async () => {
    const views = createViews(redis.connection, 'run');
    const ending = new AbortController();
    const seen: number[] = [];
    const reached = new Map<number, () => void>();
    const arrival = (version: number): Promise<void> =>
      new Promise((resolve) => reached.set(version, resolve));
    const onView = ({ version }: View): void => {
      seen.push(version);
      reached.get(version)?.();
    };
    await views.publish(draft);
    const [first, second] = [arrival(1), arrival(2)];
    const subscribed = views.subscribe(onView, { signal: ending.signal, pollMs: 60_000 });
    await first;
    // Without polling, the second view can only come by its hint.
    const { client } = redis.connection;
    while ((await client.pubsub('NUMSUB', runKeys('run').hints))[1] === 0) await sleep(5);
    await views.publish(draft, 1);
    await second;
    ending.abort();
    await subscribed;
    expect(seen).toEqual([1, 2]);
  });

  it('waits for a view that fits, and says what there was instead', async () => {
    const views = createViews(redis.connection, 'run');
    const waiting = views.waitFor(({ version }) => version === 2, 10_000);
    await views.publish(draft);
    await views.publish(draft, 1);
    expect((await waiting).version).toBe(2);
    await expect(views.waitFor(() => false, 30)).rejects.toThrow(
      'run run: no fitting view within 30 ms (current: 2)',
    );
  });
});
