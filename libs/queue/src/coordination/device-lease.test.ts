import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { leaseDevice } from './device-lease.ts';
import { useRedis } from '../testing/redis.ts';

const redis = useRedis();
const lease = (
  holderId: string,
  deviceIds: readonly string[],
  times: { ttlMs?: number; waitMs?: number } = {},
): ReturnType<typeof leaseDevice> =>
  leaseDevice(redis.connection, { holderId, deviceIds, ...times });

describe('leaseDevice', () => {
  it('gives each device to one holder, and none when all are taken', async () => {
    const ids = ['GPU-a', 'GPU-b'];
    const leases = await Promise.all(['w1', 'w2', 'w3'].map((holder) => lease(holder, ids)));
    const taken = leases.flatMap((given) => (given === undefined ? [] : [given.deviceId]));
    expect(taken.sort()).toEqual(ids);
    await leases[0]?.release();
    expect((await lease('w4', ids))?.deviceId).toBe(leases[0]?.deviceId);
  });

  it('waits for the lease of a killed holder to run out, and keeps a renewed one', async () => {
    const killed = 'GPU-killed';
    await redis.connection.call((client) =>
      client.set(`berth:device:${killed}`, 'dead', 'PX', 200),
    );
    expect(await lease('w1', [killed], { waitMs: 2_000 })).toMatchObject({ deviceId: killed });
    const kept = await lease('w1', ['GPU-kept'], { ttlMs: 90 });
    await sleep(300);
    expect(await lease('w2', ['GPU-kept'])).toBeUndefined();
    await kept?.release();
  });

  it('tells a holder that lost its device', async () => {
    const held = await lease('w1', ['GPU-lost'], { ttlMs: 60 });
    await redis.connection.call((client) => client.set('berth:device:GPU-lost', 'other'));
    await expect(held?.lost).rejects.toMatchObject({ code: 'WORKER_FENCED' });
  });
});
