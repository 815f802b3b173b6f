import {
  metricsFromSums,
  taskOfRun,
  type LedgerEntry,
  type Logger,
  type MetricsLine,
  type ObjectStore,
  type RunRecord,
  type Task,
} from '@berth/contracts';
import { openRun, type RedisConnection } from '@berth/queue';
import { AttemptArchive } from './attempt-archive.ts';

// Few enough that reading them takes little of the time of those who wait for the lease.
const linesPerPage = 200;
const entriesPerPage = 200;
/** Lines come a little after their step is committed; a step that lacks one for this many steps has lost it. */
const patienceSteps = 64;

export interface RunCopyOptions {
  readonly connection: RedisConnection;
  readonly store: ObjectStore;
  readonly logger: Logger;
}

/** One run's way from the metrics log in Redis to its archives in the store. */
export class RunMetricsCopy {
  readonly #store: ObjectStore;
  readonly #logger: Logger;
  readonly #run;
  readonly #archives = new Map<number, AttemptArchive>();
  #cursor = '';
  #checkpointStep = -1;
  #hasCheckpoint = false;

  constructor({ connection, store, logger }: RunCopyOptions, runId: string) {
    this.#store = store;
    this.#logger = logger;
    this.#run = openRun(connection, runId);
  }

  /** True when there is a checkpoint since the last flush. */
  get hasCheckpoint(): boolean {
    return this.#hasCheckpoint;
  }

  /** Takes what has come to the log since the last time. @throws BerthError what Redis or the store throws */
  async gather(record: RunRecord, { isOver }: { readonly isOver: boolean }): Promise<void> {
    for (;;) {
      const { lines, cursor } = await this.#run.metrics.after(this.#cursor, linesPerPage);
      for (const line of lines) {
        const archive = await this.#archiveOf(record, line.attempt);
        archive.add(line);
        if (archive.isFull) await archive.flush();
      }
      this.#cursor = cursor;
      if (lines.length < linesPerPage) break;
    }
    await this.#fillGaps(record, isOver);
    const newest = await this.#run.checkpoints.newest();
    if (newest === undefined || newest.step === this.#checkpointStep) return;
    this.#checkpointStep = newest.step;
    this.#hasCheckpoint = true;
  }

  /** Writes what the store lacks, and lets go of attempts before the newest. @throws BerthError what the store throws */
  async flush(record: RunRecord): Promise<void> {
    this.#hasCheckpoint = false;
    const newest = record.attempts.at(-1)?.attempt;
    for (const [attempt, archive] of this.#archives) {
      await archive.flush();
      if (attempt !== newest) this.#archives.delete(attempt);
    }
  }

  async #archiveOf(record: RunRecord, attempt: number): Promise<AttemptArchive> {
    const known = this.#archives.get(attempt);
    if (known !== undefined) return known;
    const { runId, attempts, createdAtMs } = record;
    const told = attempts.find((one) => one.attempt === attempt);
    const place = {
      runId,
      attempt,
      startedAtMs: told?.startedAtMs ?? createdAtMs,
      fromStep: told?.fromStep ?? 0,
    };
    const archive = await AttemptArchive.open(this.#store, place, this.#logger);
    this.#archives.set(attempt, archive);
    return archive;
  }

  /**
   * Lines that died with a worker, or with Redis, are made anew from the ledger, which has a step's sums; only its
   * timings are gone.
   */
  async #fillGaps(record: RunRecord, isOver: boolean): Promise<void> {
    const attempt = record.attempts.at(-1)?.attempt;
    if (attempt === undefined) return;
    const archive = isOver ? await this.#archiveOf(record, attempt) : this.#archives.get(attempt);
    if (archive === undefined) return;
    const end = isOver ? await this.#run.ledger.numCommitted() : archive.maxStep - patienceSteps;
    const task = taskOfRun(record);
    while (archive.firstMissing < end) {
      const from = archive.firstMissing;
      const to = Math.min(end, from + entriesPerPage);
      for (const entry of await this.#run.ledger.entries(from, to))
        archive.add(lineOf(task, entry, attempt));
      archive.giveUpBefore(to);
    }
  }
}

function lineOf(
  task: Task,
  { step, sums, committedAtMs }: LedgerEntry,
  attempt: number,
): MetricsLine {
  return {
    kind: 'step',
    attempt,
    step,
    timeMs: committedAtMs,
    ...metricsFromSums(task, sums),
    numTokens: sums['numTokens'] ?? 0,
  };
}
