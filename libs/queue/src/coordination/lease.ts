import { setTimeout as sleep } from 'node:timers/promises';
import { silentLogger, type Logger } from '@berth/contracts';
import { holdLease, perform, type LeaseAnswer } from '@berth/protocol';
import type { RedisConnection } from '../connection/connection.ts';
import { globalKeys } from '../connection/keys.ts';
import { acquireLeaseScript, noteRestoredScript, releaseLeaseScript } from './lua/lease.ts';
import { staleEpoch } from './stale-epoch.ts';

/** The right to coordinate: one holder at a time, each with a higher fencing epoch than the one before. */
export interface Lease {
  readonly ttlMs: number;
  /**
   * Takes or renews the lease.
   * @param usedEpoch - the newest one known, from holding it or from a ledger, should Redis have lost its data
   */
  acquire(usedEpoch?: number): Promise<LeaseAnswer>;
  /**
   * Notes that all which this life of Redis lacked was put back.
   * @throws BerthError `QUEUE_STALE_EPOCH` when that epoch is over
   */
  noteRestored(fencingEpoch: number): Promise<void>;
  release(): Promise<void>;
  /** Who has held it last, perhaps still. */
  lastHolder(): Promise<{ readonly holderId: string; readonly fencingEpoch: number } | undefined>;
}

export function createLease(
  connection: RedisConnection,
  options: { readonly holderId: string; readonly ttlMs: number },
): Lease {
  const { holderId, ttlMs } = options;
  return {
    ttlMs,
    async acquire(usedEpoch = 0) {
      const reply = await connection.run(
        acquireLeaseScript,
        [globalKeys.lease],
        [holderId, ttlMs, usedEpoch, Date.now()],
      );
      const [held, fencingEpoch, other, remainingMs, serverEpoch, restored] = reply as LeaseReply;
      return held === 1
        ? { held: true, fencingEpoch, serverEpoch, isRestored: restored === 1 }
        : { held: false, fencingEpoch, holderId: other, remainingMs };
    },
    async noteRestored(fencingEpoch) {
      const newest = await connection.run(noteRestoredScript, [globalKeys.lease], [fencingEpoch]);
      if (newest !== null) throw staleEpoch('Restoring', fencingEpoch, Number(newest));
    },
    async release() {
      await connection.run(releaseLeaseScript, [globalKeys.lease], [holderId]);
    },
    async lastHolder() {
      const [holder, epoch] = await connection.call((client) =>
        client.hmget(globalKeys.lease, 'holder', 'epoch'),
      );
      return typeof holder === 'string'
        ? { holderId: holder, fencingEpoch: Number(epoch) }
        : undefined;
    },
  };
}

type LeaseReply = [number, number, string, number, number, number?];

export interface KeepLeaseOptions {
  readonly onAcquired: (held: Extract<LeaseAnswer, { held: true }>) => void;
  readonly onLost: (reason: string) => void;
  /** The newest epoch known from elsewhere. @defaultValue 0 */
  readonly usedEpoch?: () => number;
  /** Ends the loop and releases the lease. */
  readonly signal: AbortSignal;
  readonly logger?: Logger;
}

/** Holds the lease, or stands by for it, until the signal; then releases it. */
export function keepLease(lease: Lease, options: KeepLeaseOptions): Promise<void> {
  const { onAcquired, onLost, usedEpoch = () => 0, signal, logger = silentLogger } = options;
  const clock = {
    nowMs: () => performance.now(),
    sleep: (ms: number) => sleep(ms, undefined, { signal }).catch(() => undefined),
  };
  const listener = { onAcquired, onLost, usedEpoch, isOver: () => signal.aborted };
  return perform(holdLease(lease, clock, listener, logger));
}
