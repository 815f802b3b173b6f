import { taskOfRun, type MetricsLine, type MetricsPage, type RunRecord } from '@berth/contracts';
import { RunSeries } from './run-series.ts';

/** Where the metrics of runs come from. */
export interface SeriesSource {
  /** Lines after a cursor, '' for the first, oldest first; none when there are no more. */
  after(runId: string, cursor: string, numLines: number): Promise<MetricsPage>;
  /** Lines older than those, from the store, oldest first. */
  archived(runId: string): AsyncIterable<readonly MetricsLine[]>;
}

/** What must be known of a run to read its metrics. */
export type CachedRun = Pick<RunRecord, 'runId' | 'createdAtMs' | 'config'>;

export interface HistoriesOptions {
  /** Told of lines as they are read. @param areNew - false for those that were there when the run was first asked for */
  readonly onLines?: (run: CachedRun, lines: readonly MetricsLine[], areNew: boolean) => void;
  /** Beyond this the runs that nobody has asked for longest go. @defaultValue 67_108_864 */
  readonly capacityBytes?: number;
}

interface Known {
  /** Tells the run from another one that had its name before. */
  readonly createdAtMs: number;
  readonly history: RunSeries;
  cursor: string;
  hasArchive: boolean;
  isUpToDate: boolean;
  reading: Promise<void> | undefined;
}

const linesPerRead = 1_000;

/** SeriesCache of runs in memory, each read once and then kept up with its log. */
export class SeriesCache {
  readonly #source: SeriesSource;
  readonly #onLines: NonNullable<HistoriesOptions['onLines']>;
  readonly #capacityBytes: number;
  /** The one asked for last is last. */
  readonly #known = new Map<string, Known>();

  constructor(source: SeriesSource, options: HistoriesOptions = {}) {
    this.#source = source;
    this.#onLines = options.onLines ?? (() => undefined);
    this.#capacityBytes = options.capacityBytes ?? 64 * 2 ** 20;
  }

  /** A run's history with all that its log says by now. @throws what the source throws */
  async of(run: CachedRun): Promise<RunSeries> {
    const { runId, createdAtMs } = run;
    const before = this.#known.get(runId);
    const isSame = before?.createdAtMs === createdAtMs;
    const known: Known = (isSame ? before : undefined) ?? {
      createdAtMs,
      history: new RunSeries(taskOfRun(run)),
      cursor: '',
      hasArchive: false,
      isUpToDate: false,
      reading: undefined,
    };
    this.#known.delete(runId);
    this.#known.set(runId, known);
    known.reading ??= this.#read(run, known).finally(() => {
      known.reading = undefined;
    });
    await known.reading;
    this.#forgetExcess();
    return known.history;
  }

  async #read(run: CachedRun, known: Known): Promise<void> {
    const { runId } = run;
    const take = (lines: readonly MetricsLine[]): void => {
      for (const line of lines) known.history.put(line);
      if (lines.length > 0) this.#onLines(run, lines, known.isUpToDate);
    };
    if (!known.hasArchive) for await (const lines of this.#source.archived(runId)) take(lines);
    known.hasArchive = true;
    for (;;) {
      const { lines, cursor } = await this.#source.after(runId, known.cursor, linesPerRead);
      take(lines);
      known.cursor = cursor;
      if (lines.length < linesPerRead) break;
    }
    known.isUpToDate = true;
  }

  #forgetExcess(): void {
    let sizeBytes = 0;
    for (const { history } of this.#known.values()) sizeBytes += history.sizeBytes;
    for (const [runId, { history, reading }] of this.#known) {
      if (sizeBytes <= this.#capacityBytes || this.#known.size === 1) return;
      if (reading !== undefined) continue;
      sizeBytes -= history.sizeBytes;
      this.#known.delete(runId);
    }
  }
}
