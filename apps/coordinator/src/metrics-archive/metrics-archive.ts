import { setTimeout as sleep } from 'node:timers/promises';
import {
  errorToWire,
  isFinal,
  type Logger,
  type ObjectStore,
  type RunRecord,
} from '@berth/contracts';
import type { RedisConnection } from '@berth/queue';
import { RunMetricsCopy } from './run-metrics-copy.ts';

export interface MetricsArchiveOptions {
  readonly connection: RedisConnection;
  readonly store: ObjectStore;
  readonly logger: Logger;
  /** Longest time that lines wait for their upload. @defaultValue 10_000 */
  readonly flushEveryMs?: number;
}

/** Between two uploads that checkpoints ask for. */
const shortestPauseMs = 2_000;
/** A run that ended no longer ago may have a history that its coordinator died over. */
const recentMs = 3_600_000;
/** Who has not been told for so long may no longer lead. */
const staleMs = 5_000;
const closeTimeoutMs = 3_000;

interface Archived {
  readonly copy: RunMetricsCopy;
  flushedMs: number;
}

/**
 * Copies the metrics of runs from Redis to the store while this coordinator leads: every 10 s, at checkpoints, and when a
 * run ends. Redis keeps the newest 20,000 lines, the store all. Belongs to one time of leading: nothing in it holds after
 * another coordinator has led, or after Redis has lost its data.
 */
export class MetricsArchive {
  readonly #options: MetricsArchiveOptions;
  readonly #runs = new Map<string, Archived>();
  /** Runs that have ended and are archived, by when they were updated. */
  readonly #done = new Map<string, number>();
  #records: readonly RunRecord[] = [];
  #notedMs = -Infinity;
  #working: Promise<void> | undefined;

  constructor(options: MetricsArchiveOptions) {
    this.#options = options;
  }

  /** Takes note of all records and goes to work on them; called again every second or so. Never throws. */
  note(records: readonly RunRecord[]): void {
    this.#records = records;
    this.#notedMs = performance.now();
    this.#working ??= this.#work(false).finally(() => (this.#working = undefined));
  }

  /** Uploads what waits, for a few seconds at most, if this coordinator still leads. Does not reject. */
  async close(): Promise<void> {
    if (!this.#mayWrite()) return;
    const last = (this.#working ?? Promise.resolve()).then(() => this.#work(true));
    await Promise.race([last, sleep(closeTimeoutMs, undefined, { ref: false })]);
  }

  async #work(isLast: boolean): Promise<void> {
    for (const record of this.#records) {
      if (!this.#mayWrite()) return;
      if (!this.#concerns(record)) continue;
      try {
        await this.#archive(record, isLast);
      } catch (error) {
        const { runId } = record;
        this.#options.logger.warn('Metrics are not in the store yet', {
          runId,
          error: errorToWire(error),
        });
      }
    }
  }

  async #archive(record: RunRecord, isLast: boolean): Promise<void> {
    const { flushEveryMs = 10_000 } = this.#options;
    const { runId, updatedAtMs } = record;
    const run = this.#runs.get(runId) ?? {
      copy: new RunMetricsCopy(this.#options, runId),
      flushedMs: performance.now(),
    };
    this.#runs.set(runId, run);
    const isOver = isFinal(record.status);
    await run.copy.gather(record, { isOver });
    const waitedMs = performance.now() - run.flushedMs;
    const isDue =
      isOver ||
      isLast ||
      waitedMs >= flushEveryMs ||
      (run.copy.hasCheckpoint && waitedMs >= shortestPauseMs);
    if (!isDue) return;
    run.flushedMs = performance.now();
    await run.copy.flush(record);
    if (!isOver) return;
    this.#runs.delete(runId);
    this.#done.set(runId, updatedAtMs);
  }

  #concerns({ runId, status, updatedAtMs, exampleSetId }: RunRecord): boolean {
    // Without examples nothing has been trained.
    if (exampleSetId === null) return false;
    if (!isFinal(status) || this.#runs.has(runId)) return true;
    return this.#done.get(runId) !== updatedAtMs && Date.now() - updatedAtMs < recentMs;
  }

  #mayWrite(): boolean {
    return performance.now() - this.#notedMs < staleMs;
  }
}
