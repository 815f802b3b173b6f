import { cutLogLine, type LogFields, type LogLine } from '@berth/contracts';

export interface LogShipperOptions {
  /** Which program: worker, coordinator or cli. */
  readonly app: string;
  /** Which process: the worker's member id, or the coordinator's id. */
  readonly source: string;
  /** Takes lines to where they are kept; settles within seconds, and is asked again when it rejects. */
  readonly sink: (lines: readonly LogLine[]) => Promise<void>;
  /** Lines that wait at most; beyond it the oldest are dropped. @defaultValue 1_000 */
  readonly capacity?: number;
}

/** A record as loggers hand it over, already without secrets. */
export interface LogRecord {
  readonly level: LogLine['level'];
  readonly message: string;
  readonly fields: LogFields;
}

const flushEveryMs = 250;
const linesPerBatch = 100;
const firstRetryMs = 500;
const longestRetryMs = 5_000;

/**
 * Ships a process's log lines, a batch at a time. It never throws, never lets its caller wait, and holds a bounded
 * number of lines: what it drops it counts, and says so in one line. A line may arrive twice.
 */
export class LogShipper {
  readonly #options: LogShipperOptions;
  readonly #capacity: number;
  #waiting: LogLine[] = [];
  #numDropped = 0;
  #timer: NodeJS.Timeout | undefined;
  #retryMs = 0;
  #flushing: Promise<void> | undefined;

  constructor(options: LogShipperOptions) {
    this.#options = options;
    this.#capacity = options.capacity ?? 1_000;
  }

  take(record: LogRecord): void {
    this.#waiting.push(cutLogLine(lineOf(record, this.#options)));
    this.#dropExcess();
    if (this.#retryMs > 0) return;
    if (this.#waiting.length >= linesPerBatch) this.#flush();
    else this.#flushIn(flushEveryMs);
  }

  /** Ships what waits, for at most so long; what is left then is lost. */
  async close(timeoutMs = 1_000): Promise<void> {
    const deadlineMs = performance.now() + timeoutMs;
    for (;;) {
      this.#flush();
      const leftMs = deadlineMs - performance.now();
      if (this.#flushing === undefined || leftMs <= 0) break;
      await Promise.race([this.#flushing, new Promise((resolve) => setTimeout(resolve, leftMs))]);
      if (this.#retryMs > 0) break;
    }
    clearTimeout(this.#timer);
  }

  #flushIn(delayMs: number): void {
    this.#timer ??= setTimeout(() => this.#flush(), delayMs).unref();
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#flushing !== undefined || this.#waiting.length === 0) return;
    this.#flushing = this.#shipAll().finally(() => {
      this.#flushing = undefined;
      if (this.#waiting.length > 0) this.#flushIn(Math.max(flushEveryMs, this.#retryMs));
    });
  }

  async #shipAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const numDropped = this.#numDropped;
      const lines = this.#waiting.splice(0, linesPerBatch);
      const notice = numDropped > 0 ? [this.#dropNotice(numDropped)] : [];
      try {
        await this.#options.sink([...notice, ...lines]);
        this.#numDropped -= numDropped;
        this.#retryMs = 0;
      } catch {
        this.#waiting.unshift(...lines);
        this.#dropExcess();
        this.#retryMs = Math.min(longestRetryMs, 2 * this.#retryMs || firstRetryMs);
        return;
      }
    }
  }

  #dropExcess(): void {
    const excess = this.#waiting.length - this.#capacity;
    if (excess <= 0) return;
    this.#waiting.splice(0, excess);
    this.#numDropped += excess;
  }

  #dropNotice(numDropped: number): LogLine {
    const message = `${numDropped} log lines of this process were dropped: more came than could be shipped`;
    return lineOf({ level: 'warn', message, fields: {} }, this.#options);
  }
}

function lineOf(
  { level, message, fields }: LogRecord,
  { app, source }: Pick<LogShipperOptions, 'app' | 'source'>,
): LogLine {
  const { app: _app, runId, attempt, step, ...others } = fields;
  const rest = Object.entries(others).filter(([, value]) => value !== source);
  return {
    timeMs: Date.now(),
    level,
    message,
    app,
    source,
    runId: typeof runId === 'string' ? runId : null,
    attempt: isPositive(attempt) ? attempt : null,
    step: typeof step === 'number' && Number.isInteger(step) ? step : null,
    fields: Object.fromEntries(rest),
  };
}

function isPositive(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value > 0;
}
