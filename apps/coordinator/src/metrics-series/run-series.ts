import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  evalMetrics,
  stepMetrics,
  type CheckpointReport,
  type HistoryQuery,
  type MetricsLine,
  type RunAttempt,
  type Task,
  type Trace,
} from '@berth/contracts';
import { downsample } from './downsample.ts';
import { MetricColumns } from './metric-columns.ts';

type Kind = MetricsLine['kind'];

/** All metrics of a run, by attempt, in memory. */
export class RunSeries {
  readonly #task: Task;
  readonly #metrics: readonly string[];
  readonly #columns = new Map<string, { kind: Kind; attempt: number; columns: MetricColumns }>();

  constructor(task: Task) {
    this.#task = task;
    this.#metrics = stepMetrics(task);
  }

  get sizeBytes(): number {
    let sum = 0;
    for (const { columns } of this.#columns.values()) sum += columns.sizeBytes;
    return sum;
  }

  put(line: MetricsLine): void {
    const { kind, attempt } = line;
    const key = `${kind}/${attempt}`;
    const known = this.#columns.get(key) ?? {
      kind,
      attempt,
      columns: new MetricColumns(this.#metrics),
    };
    if (known.columns.length === 0) this.#columns.set(key, known);
    known.columns.put(line);
  }

  /** What was measured of held-out examples after a step, in the newest attempt up to this one. */
  heldOut(step: number, attempt: number): CheckpointReport['heldOut'] {
    const losses = ['loss', ...this.#task.losses.map(({ name }) => `${name}_loss`)];
    const metrics = [...new Set([...losses, ...evalMetrics(this.#task)])];
    for (let number = attempt; number > 0; number--) {
      const columns = this.#columns.get(`eval/${number}`)?.columns;
      const values = new Map(
        metrics.flatMap((metric) => {
          const value = columns?.at(step, metric);
          return value === undefined ? [] : [[metric, value] as const];
        }),
      );
      if (losses.every((loss) => values.has(loss))) return Object.fromEntries(values);
    }
    return null;
  }

  /**
   * Traces by metric, then by attempt; what a later attempt has abandoned is a trace of its own. Of a long run each takes
   * some ms, so others on the event loop have their turn between two.
   */
  async traces(query: HistoryQuery, attempts: readonly RunAttempt[]): Promise<Trace[]> {
    const parts = this.#parts(query.kind, attempts).map((part) => ({
      ...part,
      lines: part.columns.lines(query.x, part),
    }));
    const numLines = parts.reduce((sum, { columns }) => sum + columns.length, 0);
    const from = query.from ?? -Infinity;
    const to = query.to ?? Infinity;
    const traces: Trace[] = [];
    for (const metric of query.metrics.filter((name) => this.#metrics.includes(name)))
      for (const { attempt, isAbandoned, lines } of parts) {
        await nextTurn();
        const { x } = lines;
        if (x.length === 0) continue;
        // By its share, so that no number of attempts makes an answer long.
        const numBuckets = Math.ceil((query.numBuckets * x.length) / numLines);
        const buckets = downsample({ x, y: lines.values(metric) }, { from, to, numBuckets });
        if (buckets.numPoints > 0) traces.push({ metric, attempt, isAbandoned, ...buckets });
      }
    return traces;
  }

  #parts(kind: Kind, attempts: readonly RunAttempt[]): Part[] {
    const parts: Part[] = [];
    for (const of of this.#columns.values()) {
      if (of.kind !== kind) continue;
      const { attempt, columns } = of;
      const left = attempts.find((other) => other.attempt === attempt)?.abandonedFromStep ?? null;
      // A step line counts the steps before it, an evaluation those that were applied.
      const end = left === null ? Infinity : left + (kind === 'eval' ? 1 : 0);
      parts.push({ attempt, columns, isAbandoned: false, fromStep: 0, toStep: end });
      if (left !== null)
        parts.push({ attempt, columns, isAbandoned: true, fromStep: end, toStep: Infinity });
    }
    return parts.sort((a, b) => a.attempt - b.attempt);
  }
}

interface Part {
  readonly attempt: number;
  readonly columns: MetricColumns;
  readonly isAbandoned: boolean;
  readonly fromStep: number;
  readonly toStep: number;
}
