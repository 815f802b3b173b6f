import { setTimeout as sleep } from 'node:timers/promises';
import { isBerthError, type LedgerEntry, type RunRecord, type View } from '@berth/contracts';
import {
  createLease,
  createMembers,
  createRuns,
  openRun,
  type RedisConnection,
} from '@berth/queue';
import { waitFor } from '@berth/testing';

const pollMs = 20;
/** Steps that must be committed after a move before the next one. */
const numQuietSteps = 5;

/** Looks at a run in Redis itself again and again, over outages too. */
export class UpgradeWatch {
  readonly #connection: RedisConnection;
  readonly #runId: string;
  readonly #commitTimesMs: number[] = [];
  readonly #steps = new Map<string, number>();
  readonly #ending = new AbortController();
  readonly #looking: Promise<void>;
  /** The longest time without a commit around each move. */
  readonly pauses: { readonly what: string; readonly pauseMs: number }[] = [];
  /** Members that held fewer steps than before: what they do again was lost. */
  readonly fellBack: string[] = [];
  view: View | undefined;
  record: RunRecord | undefined;
  leaderId: string | undefined;
  newest: LedgerEntry | undefined;

  constructor(connection: RedisConnection, runId: string) {
    this.#connection = connection;
    this.#runId = runId;
    this.#looking = this.#keepLooking();
  }

  get numCommitted(): number {
    return this.#commitTimesMs.length;
  }

  until(what: string, isSo: () => boolean): Promise<boolean> {
    return waitFor(
      () => {
        if (this.record?.status === 'failed')
          throw new Error(`the run failed: ${this.record.reason}`);
        return isSo();
      },
      { what: `${what}; ${this.record?.status} at step ${this.numCommitted}` },
    );
  }

  steps(count: number): Promise<boolean> {
    const from = this.numCommitted;
    return this.until(`${count} steps`, () => this.numCommitted >= from + count);
  }

  /** Does something while the run trains, and waits until it has gone on. */
  async during(what: string, act: () => Promise<unknown>): Promise<void> {
    const from = this.numCommitted;
    await act();
    await this.steps(numQuietSteps);
    const times = this.#commitTimesMs.slice(from - 1);
    const gaps = times.slice(1).map((timeMs, index) => timeMs - times[index]!);
    this.pauses.push({ what, pauseMs: Math.max(...gaps) });
  }

  async close(): Promise<void> {
    this.#ending.abort();
    await this.#looking;
  }

  async #keepLooking(): Promise<void> {
    const { views, ledger } = openRun(this.#connection, this.#runId);
    const runs = createRuns(this.#connection);
    const members = createMembers(this.#connection);
    const lease = createLease(this.#connection, { holderId: 'watch', ttlMs: 0 });
    while (!this.#ending.signal.aborted) {
      try {
        this.view = await views.current();
        this.leaderId = (await lease.lastHolder())?.holderId;
        this.record = (await runs.read(this.#runId)) ?? this.record;
        const numCommitted = await ledger.numCommitted();
        for (const entry of await ledger.entries(this.numCommitted, numCommitted)) {
          this.newest = entry;
          this.#commitTimesMs.push(entry.committedAtMs);
        }
        for (const { info } of await members.list({ forget: false })) this.#compare(info);
      } catch (error) {
        if (!isBerthError(error) || error.code !== 'QUEUE_UNREACHABLE') throw error;
      }
      await sleep(pollMs);
    }
  }

  #compare({ memberId, step }: { readonly memberId: string; readonly step: number }): void {
    if (step < 0) return;
    const before = this.#steps.get(memberId) ?? 0;
    if (step < before) this.fellBack.push(`${memberId} from ${before} to ${step}`);
    this.#steps.set(memberId, step);
  }
}
