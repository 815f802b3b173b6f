import type { RunRecord } from '@berth/contracts';
import type { RunChange } from '../index.ts';
import { isNewerRecord } from '../lifecycle/is-newer-record.ts';
import type { RedisLease } from './redis-lease.ts';

/** What became of a change: somebody else may have made another before, or lead by now. */
export type Replaced = 'done' | 'changed' | { readonly newest: number };

/** The run's record in Redis, and which run is active. */
export class RedisRuns {
  /** That the run has gone through, as in `running --> pausing`. */
  readonly statusChanges = new Set<string>();
  readonly #lease: RedisLease;
  /** Whether who once held the lease may change it, which is what the scripts prevent. */
  readonly #isUnfenced: boolean;
  #record: RunRecord | undefined;
  #hasRecord = false;
  #active: string | undefined;

  constructor(lease: RedisLease, { isUnfenced }: { readonly isUnfenced: boolean }) {
    this.#lease = lease;
    this.#isUnfenced = isUnfenced;
  }

  flush(): void {
    this.#hasRecord = false;
    this.#active = undefined;
  }

  /** @returns what puts the record of now back */
  snapshot(): () => void {
    const [record, hasRecord, active] = [this.#record, this.#hasRecord, this.#active];
    return () => {
      this.#record = record;
      this.#hasRecord = hasRecord;
      this.#active = active;
    };
  }

  /** The run's record as it was last: who has read it knows it, also when Redis has lost it. */
  get record(): RunRecord {
    if (this.#record === undefined) throw new Error('No run was submitted');
    return this.#record;
  }

  get hasRecord(): boolean {
    return this.#hasRecord;
  }

  /** As somebody submits a run. */
  submit(record: RunRecord): void {
    this.#record = record;
    this.#hasRecord = true;
  }

  /** As somebody who is no coordinator changes it: whatever it says. */
  change(change: RunChange): void {
    const known = this.record;
    const { updatedAtMs, status } = { ...known, ...change };
    if (status !== known.status) this.statusChanges.add(`${known.status} --> ${status}`);
    this.#record = {
      ...known,
      ...change,
      updatedAtMs: Math.max(updatedAtMs, known.updatedAtMs + 1),
    };
  }

  /** As a coordinator changes it: only if it is what it has read, in the epoch of its lease. */
  update(known: RunRecord, change: RunChange, epoch: number): Replaced {
    if (!this.#hasRecord) return 'changed';
    if (this.#isUnfenced) {
      if (known.status !== this.record.status) return 'changed';
    } else {
      if (epoch !== this.#lease.epoch) return { newest: this.#lease.epoch };
      if (known !== this.#record) return 'changed';
    }
    this.change(change);
    return 'done';
  }

  /** Puts a copy of the record in the place of none, or of an older one. */
  putBack(copy: RunRecord, { isOlder }: { readonly isOlder: boolean }): void {
    if (this.#hasRecord && !(isOlder && isNewerRecord(copy, this.record))) return;
    this.submit(copy);
  }

  get active(): string | undefined {
    return this.#active;
  }

  setActive(runId: string | undefined, expected: string | undefined, epoch: number): Replaced {
    if (epoch !== this.#lease.epoch) return { newest: this.#lease.epoch };
    if (this.#active !== expected && this.#active !== runId) return 'changed';
    this.#active = runId;
    return 'done';
  }
}
