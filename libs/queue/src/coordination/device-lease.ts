import { setTimeout as sleep } from 'node:timers/promises';
import { BerthError } from '@berth/contracts';
import type { RedisConnection } from '../connection/connection.ts';
import { deviceKey } from '../connection/keys.ts';
import { acquireDeviceScript, releaseDeviceScript } from './lua/device-lease.ts';

/** A device that is ours alone among all workers of this Redis. */
export interface DeviceLease {
  readonly deviceId: string;
  /** Never resolves; rejects with `WORKER_FENCED` when another holds the device. */
  readonly lost: Promise<never>;
  release(): Promise<void>;
}

export interface LeaseDeviceOptions {
  /** Of GPUs, the UUIDs: they name a device on whatever machine. */
  readonly deviceIds: readonly string[];
  readonly holderId: string;
  /** How long the lease of a killed holder lives on. @defaultValue 10_000 */
  readonly ttlMs?: number;
  /** How long to wait for a device to become free. @defaultValue 0 */
  readonly waitMs?: number;
}

/**
 * Leases the first free device and renews the lease until it is released.
 * @returns undefined when none became free in time
 * @throws BerthError `QUEUE_UNREACHABLE`
 */
export async function leaseDevice(
  connection: RedisConnection,
  options: LeaseDeviceOptions,
): Promise<DeviceLease | undefined> {
  const { deviceIds, holderId, ttlMs = 10_000, waitMs = 0 } = options;
  const holderOf = async (deviceId: string): Promise<string> =>
    String(await connection.run(acquireDeviceScript, [deviceKey(deviceId)], [holderId, ttlMs]));
  const deadline = performance.now() + waitMs;
  for (;;) {
    for (const deviceId of deviceIds)
      if ((await holderOf(deviceId)) === holderId) return keep(deviceId);
    if (performance.now() >= deadline) return undefined;
    await sleep(Math.min(500, ttlMs / 3));
  }

  function keep(deviceId: string): DeviceLease {
    let timer: NodeJS.Timeout | undefined;
    const lost = new Promise<never>((_resolve, reject) => {
      const renew = async (): Promise<void> => {
        // While Redis is away nobody else can take the device.
        const holder = await holderOf(deviceId).catch(() => holderId);
        if (holder === holderId) return;
        clearInterval(timer);
        const what = `Device ${deviceId} is now leased by ${holder}; this worker was silent for too long`;
        reject(new BerthError('WORKER_FENCED', what));
      };
      timer = setInterval(() => void renew(), ttlMs / 3);
    });
    lost.catch(() => undefined);
    return {
      deviceId,
      lost,
      async release() {
        clearInterval(timer);
        await connection.run(releaseDeviceScript, [deviceKey(deviceId)], [holderId]);
      },
    };
  }
}
