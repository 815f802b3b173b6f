import { stepMetrics, type MetricsLine, type StepMetric } from '@berth/contracts';
import { partition, type Points } from './downsample.ts';

const firstCapacity = 256;
const numColumns = stepMetrics.length + 2;
const columnOf = new Map(stepMetrics.map((metric, index) => [metric, index + 2]));

/**
 * The metrics lines of one kind of one attempt by step, in columns that grow: 128 bytes a line. A line replaces an
 * earlier one of its step.
 */
export class MetricColumns {
  #columns = Array.from({ length: numColumns }, () => new Float64Array(firstCapacity));
  #length = 0;

  get length(): number {
    return this.#length;
  }

  get sizeBytes(): number {
    return numColumns * (this.#columns[0]?.byteLength ?? 0);
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
    for (const [metric, column] of columnOf) this.#column(column)[index] = valueOf(line, metric);
  }

  /** Lines whose step is in [fromStep, toStep), by step or by time. */
  points(
    metric: StepMetric,
    axis: 'step' | 'time',
    range: { readonly fromStep: number; readonly toStep: number },
  ): Points {
    const steps = this.#column(0);
    const start = partition(this.#length, (index) => (steps[index] ?? 0) >= range.fromStep);
    const end = partition(this.#length, (index) => (steps[index] ?? 0) >= range.toStep);
    const x = this.#column(axis === 'step' ? 0 : 1).subarray(start, end);
    const y = this.#column(columnOf.get(metric) ?? 2).subarray(start, end);
    return isAscending(x) ? { x, y } : sorted(x, y);
  }

  /** A metric at a step, if there is a finite one. */
  at(step: number, metric: StepMetric): number | undefined {
    const steps = this.#column(0);
    const index = partition(this.#length, (place) => (steps[place] ?? 0) >= step);
    const value = this.#column(columnOf.get(metric) ?? 2)[index];
    return index < this.#length && steps[index] === step && Number.isFinite(value)
      ? value
      : undefined;
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
function valueOf(line: MetricsLine, metric: StepMetric): number {
  const value = metric === 'tokensPerSecond' ? tokensPerSecond(line) : line[metric];
  if (value === undefined) return Number.NaN;
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

function sorted(x: Float64Array, y: Float64Array): Points {
  const order = Array.from(x.keys()).sort((a, b) => (x[a] ?? 0) - (x[b] ?? 0));
  const pick = (column: Float64Array): Float64Array =>
    Float64Array.from(order, (index) => column[index] ?? Number.NaN);
  return { x: pick(x), y: pick(y) };
}
