import type { LeaseAnswer } from '../index.ts';

interface Lease {
  readonly holder: string | undefined;
  readonly epoch: number;
  readonly expiresAtMs: number;
  readonly ttlMs: number;
  /** The life of Redis in which it was given. */
  readonly server: number;
  readonly serverEpoch: number;
  /** The `serverEpoch` for which all was put back. */
  readonly restoredEpoch: number;
}

/** The coordinators' lease as it lies in Redis. */
export class RedisLease {
  /** Changes with each restart. */
  #server = 1;
  #lease: Lease | undefined;

  flush(): void {
    this.#lease = undefined;
  }

  /** @returns what puts the lease of now back */
  snapshot(): () => void {
    const lease = this.#lease;
    return () => {
      this.#lease = lease;
    };
  }

  /** Redis lives anew, and says so. */
  restart(): void {
    this.#server++;
  }

  acquire(
    nowMs: number,
    holderId: string,
    ttlMs: number,
    usedEpoch: number,
    holderNowMs: number,
  ): LeaseAnswer {
    const lease = this.#lease;
    const { holder, epoch = 0 } = lease ?? {};
    const expiresAtMs = Math.min(lease?.expiresAtMs ?? 0, nowMs + (lease?.ttlMs ?? ttlMs));
    if (lease !== undefined && holder !== undefined && holder !== holderId && expiresAtMs > nowMs) {
      this.#lease = { ...lease, expiresAtMs };
      return {
        held: false,
        fencingEpoch: epoch,
        holderId: holder,
        remainingMs: expiresAtMs - nowMs,
      };
    }
    const isSame = lease?.server === this.#server && epoch >= usedEpoch;
    const newest = Math.max(epoch, usedEpoch);
    const next = Math.max(Math.floor(nowMs), Math.floor(holderNowMs), newest + 1);
    const fencingEpoch = holder === holderId && isSame ? epoch : next;
    const serverEpoch = isSame && lease !== undefined ? lease.serverEpoch : fencingEpoch;
    const given = { holder: holderId, epoch: fencingEpoch, expiresAtMs: nowMs + ttlMs, ttlMs };
    const restoredEpoch = lease?.restoredEpoch ?? 0;
    this.#lease = { ...given, server: this.#server, serverEpoch, restoredEpoch };
    return { held: true, fencingEpoch, serverEpoch, isRestored: restoredEpoch === serverEpoch };
  }

  /** @returns the newest epoch when it is another */
  noteRestored(fencingEpoch: number): number | undefined {
    const lease = this.#lease;
    if (lease === undefined || fencingEpoch !== this.epoch) return this.epoch;
    this.#lease = { ...lease, restoredEpoch: lease.serverEpoch };
    return undefined;
  }

  release(holderId: string): void {
    if (this.#lease?.holder === holderId) this.#lease = { ...this.#lease, holder: undefined };
  }

  /** Epoch of the lease; 0 without one, and in another life of Redis than it was given in. */
  get epoch(): number {
    return this.#lease?.server === this.#server ? this.#lease.epoch : 0;
  }

  /** The epoch that was given last in what Redis holds, whatever life it is of. */
  get lastEpoch(): number {
    return this.#lease?.epoch ?? 0;
  }
}
