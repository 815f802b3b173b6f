import type { Snapshot } from './saver.ts';

/** A state that waits on a disk for the bucket. */
export interface SpooledSnapshot {
  readonly snapshot: Snapshot;
  /** Of the ledger after its step. */
  readonly ledgerHead: string;
  readonly owner: string;
  /** Whether a process has found it: what the bucket did not take then lies here still. */
  isTried: boolean;
}

/** What lies on one machine's disk, as `Spool` keeps it: at most one state of each process, and it outlives that. */
export class SimDisk {
  #states: SpooledSnapshot[] = [];

  keep(state: SpooledSnapshot): void {
    this.clear(state.owner);
    this.#states.push(state);
  }

  clear(owner: string): void {
    this.#states = this.#states.filter((state) => state.owner !== owner);
  }

  forget(state: SpooledSnapshot): void {
    this.#states = this.#states.filter((one) => one !== state);
  }

  /** Newest first. */
  get found(): readonly SpooledSnapshot[] {
    return this.#states.toSorted((a, b) => b.snapshot.step - a.snapshot.step);
  }
}
