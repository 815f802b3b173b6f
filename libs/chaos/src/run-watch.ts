import { setTimeout as sleep } from 'node:timers/promises';
import {
  BerthError,
  isBerthError,
  isFinal,
  silentLogger,
  type LedgerEntry,
  type RunRecord,
  type View,
} from '@berth/contracts';
import { connectRedis, createLease, createRuns, openRun, type RedisConnection } from '@berth/queue';

const pollMs = 20;
/** On a slow machine everything comes late. What hangs does not come at all. */
const patienceMs = 600_000;

type CommitListener = (entry: LedgerEntry) => void;

/** Follows a run in Redis itself, so that it sees every commit while coordinators come and go, and over outages. */
export class RunWatch {
  readonly #connection: RedisConnection;
  readonly #runId: string;
  readonly #watching: Promise<void>;
  readonly #listeners = new Set<CommitListener>();
  #closed = false;
  /** As last seen. */
  view: View | undefined;
  record: RunRecord | undefined;
  leaderId: string | undefined;
  numCommitted = 0;
  newest: LedgerEntry | undefined;

  /** @param onCommit - told of every step, those committed before among them */
  static async open(redisUrl: string, runId: string, onCommit?: CommitListener): Promise<RunWatch> {
    const connection = await connectRedis(redisUrl, { role: 'producer', logger: silentLogger });
    return new RunWatch(connection, runId, onCommit);
  }

  private constructor(connection: RedisConnection, runId: string, onCommit?: CommitListener) {
    this.#connection = connection;
    this.#runId = runId;
    if (onCommit !== undefined) this.#listeners.add(onCommit);
    this.#watching = this.#watch();
  }

  /** When the first fitting step is committed, by the clock of Redis; null when none is, in time and in this run. */
  async commit(fits: (entry: LedgerEntry) => boolean): Promise<number | null> {
    const fitting: LedgerEntry[] = [];
    const listener = (entry: LedgerEntry): void => {
      if (fits(entry)) fitting.push(entry);
    };
    this.#listeners.add(listener);
    const deadlineMs = performance.now() + patienceMs;
    while (fitting.length === 0 && performance.now() < deadlineMs && !this.isOver)
      await sleep(pollMs);
    this.#listeners.delete(listener);
    return fitting[0]?.committedAtMs ?? null;
  }

  /**
   * Returns when the condition holds.
   * @throws BerthError `RUN_FAILED` saying what was awaited in vain
   */
  async until(condition: () => boolean, what: string, timeoutMs = patienceMs): Promise<void> {
    const deadlineMs = performance.now() + timeoutMs;
    while (!condition()) {
      if (performance.now() > deadlineMs)
        throw new BerthError(
          'RUN_FAILED',
          `Waited ${timeoutMs} ms in vain for ${what}; step ${this.numCommitted}, ${this.record?.status}: ${this.record?.reason}`,
        );
      await sleep(pollMs);
    }
  }

  get isOver(): boolean {
    return this.record !== undefined && isFinal(this.record.status);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#watching;
    this.#connection.close();
  }

  async #watch(): Promise<void> {
    const { views, ledger } = openRun(this.#connection, this.#runId);
    const runs = createRuns(this.#connection);
    const lease = createLease(this.#connection, { holderId: 'watch', ttlMs: 0 });
    while (!this.#closed) {
      try {
        this.view = await views.current();
        this.leaderId = (await lease.lastHolder())?.holderId;
        this.record = (await runs.read(this.#runId)) ?? this.record;
        const numCommitted = await ledger.numCommitted();
        for (const entry of await ledger.entries(this.numCommitted, numCommitted)) {
          this.newest = entry;
          for (const listener of this.#listeners) listener(entry);
        }
        this.numCommitted = numCommitted;
      } catch (error) {
        if (!isBerthError(error) || error.code !== 'QUEUE_UNREACHABLE') throw error;
      }
      await sleep(pollMs);
    }
  }
}
