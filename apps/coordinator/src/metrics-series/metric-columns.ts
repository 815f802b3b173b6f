import type { MetricsLine } from '@berth/contracts';
import { partition } from './downsample.ts';

const firstCapacity = 256;

/** Some lines by ascending x. */
export interface LinesInOrder {
  readonly x: Float64Array;
  /** As `Points` wants them. */
  values(metric: string): Float64Array;
}

/**
 * The metrics lines of one kind of one attempt by step, in columns that grow: 8 bytes a metric and line. A line replaces an
 * earlier one of its step.
 */
export class MetricColumns {
  /** Where each metric is; the first two columns are steps and times. */
  readonly #columnOf: ReadonlyMap<string, number>;
  #columns: Float64Array[];
  #length = 0;

  /** @param metrics - what is kept of a line */
  constructor(metrics: readonly string[]) {
    this.#columnOf = new Map(metrics.map((metric, index) => [metric, index + 2]));
    const numColumns = metrics.length + 2;
    this.#columns = Array.from({ length: numColumns }, () => new Float64Array(firstCapacity));
  }

  get length(): number {
    return this.#length;
  }

  get sizeBytes(): number {
    return this.#columns.length * this.#column(0).byteLength;
  }

  put(line: MetricsLine): void {
    const steps = this.#column(0);
    const isNewest = this.#length === 0 || line.step > (steps[this.#length - 1] ?? 0);
    const index = isNewest
      ? this.#length
      : partition(this.#length, (place) => (steps[place] ?? 0) >= line.step);
    if (isNewest || steps[index] !== line.step) this.#makeRoom(index);
    this.#column(0)[index] = line.step;
    this.#column(1)[index] = line.timeMs;
    for (const [metric, column] of this.#columnOf)
      this.#column(column)[index] = valueOf(line, metric);
  }

  /** Lines whose step is in [fromStep, toStep), by step or by time, as they are now. */
  lines(
    axis: 'step' | 'time',
    range: { readonly fromStep: number; readonly toStep: number },
  ): LinesInOrder {
    const columns = this.#columns;
    const steps = this.#column(0);
    const start = partition(this.#length, (index) => (steps[index] ?? 0) >= range.fromStep);
    const end = partition(this.#length, (index) => (steps[index] ?? 0) >= range.toStep);
    const part = (index: number): Float64Array =>
      (columns[index] as Float64Array).subarray(start, end);
    const x = part(axis === 'step' ? 0 : 1);
    const order = isAscending(x) ? undefined : orderOf(x);
    const inOrder = (column: Float64Array): Float64Array =>
      order === undefined ? column : picked(column, order);
    return { x: inOrder(x), values: (metric) => inOrder(part(this.#placeOf(metric))) };
  }

  /** A metric at a step, if there is a finite one. */
  at(step: number, metric: string): number | undefined {
    const steps = this.#column(0);
    const index = partition(this.#length, (place) => (steps[place] ?? 0) >= step);
    const value = this.#column(this.#placeOf(metric))[index];
    return index < this.#length && steps[index] === step && Number.isFinite(value)
      ? value
      : undefined;
  }

  #placeOf(metric: string): number {
    const place = this.#columnOf.get(metric);
    if (place === undefined) throw new RangeError(`no metric ${metric}`);
    return place;
  }

  #column(index: number): Float64Array {
    return this.#columns[index] as Float64Array;
  }

  #makeRoom(index: number): void {
    if (this.#length === this.#column(0).length)
      this.#columns = this.#columns.map((column) => {
        const larger = new Float64Array(2 * column.length);
        larger.set(column);
        return larger;
      });
    if (index < this.#length)
      for (const column of this.#columns) column.copyWithin(index + 1, index, this.#length);
    this.#length++;
  }
}

/** As `Points` wants it: NaN for no value, infinite for one that is not finite. */
function valueOf(line: MetricsLine, metric: string): number {
  const value = metric === 'tokensPerSecond' ? tokensPerSecond(line) : line[metric];
  if (typeof value !== 'number') return Number.NaN;
  return Number.isFinite(value) ? value : Infinity;
}

function tokensPerSecond({ numTokens, stepMs }: MetricsLine): number | undefined {
  return stepMs === undefined || stepMs <= 0 ? undefined : (1_000 * numTokens) / stepMs;
}

function isAscending(x: Float64Array): boolean {
  for (let index = 1; index < x.length; index++)
    if ((x[index] ?? 0) < (x[index - 1] ?? 0)) return false;
  return true;
}

/** Of values that are nearly in order, as times are. */
function orderOf(x: Float64Array): Uint32Array {
  return Uint32Array.from(Array.from(x.keys()).sort((a, b) => (x[a] ?? 0) - (x[b] ?? 0)));
}

/** A loop takes a tenth of the time that `Float64Array.from` takes with a function. */
function picked(column: Float64Array, order: Uint32Array): Float64Array {
  const values = new Float64Array(order.length);
  for (let index = 0; index < order.length; index++)
    values[index] = column[order[index] as number] as number;
  return values;
}
