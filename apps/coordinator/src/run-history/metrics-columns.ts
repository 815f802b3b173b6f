import type { MetricsLine } from '@berth/contracts';

/** What a metrics line measures. */
export const lineMetrics = [
  'loss',
  'masked_lm_loss',
  'masked_lm_accuracy',
  'next_sentence_loss',
  'next_sentence_accuracy',
  'learningRate',
  'gradientNorm',
  'numTokens',
  'stepMs',
  'computeMs',
  'reduceMs',
  'dataMs',
  'commitMs',
  'applyMs',
] as const satisfies readonly (keyof MetricsLine)[];
export type LineMetric = (typeof lineMetrics)[number];

/**
 * Metrics lines of one kind and attempt as columns, by step: about 72 bytes a line, where objects would take 400. Values
 * are kept as fp32; what a line lacks is NaN. A step that is there already is not added again.
 */
export class MetricsColumns {
  #numPoints = 0;
  #steps = new Float64Array(0);
  #times = new Float64Array(0);
  readonly #values = new Map<LineMetric, Float32Array>(
    lineMetrics.map((metric) => [metric, new Float32Array(0)]),
  );

  get numPoints(): number {
    return this.#numPoints;
  }

  /** Ascending. A view, valid until the next `add`. */
  get steps(): Float64Array {
    return this.#steps.subarray(0, this.#numPoints);
  }

  /** Unix time in milliseconds of each step. A view, valid until the next `add`. */
  get times(): Float64Array {
    return this.#times.subarray(0, this.#numPoints);
  }

  /** Values of a metric. A view, valid until the next `add`. */
  values(metric: LineMetric): Float32Array {
    return this.#columnOf(metric).subarray(0, this.#numPoints);
  }

  /** @returns false when the step was there already */
  add(line: MetricsLine): boolean {
    const at = this.#placeOf(line.step);
    if (at < this.#numPoints && this.#steps[at] === line.step) return false;
    if (this.#numPoints === this.#steps.length) this.#grow();
    for (const column of [this.#steps, this.#times, ...this.#values.values()])
      if (at < this.#numPoints) column.copyWithin(at + 1, at, this.#numPoints);
    this.#steps[at] = line.step;
    this.#times[at] = line.timeMs;
    for (const metric of lineMetrics) this.#columnOf(metric)[at] = line[metric] ?? Number.NaN;
    this.#numPoints++;
    return true;
  }

  /** Index of the first point whose step is not less; lines mostly come in order. */
  #placeOf(step: number): number {
    let [low, high] = [0, this.#numPoints];
    if (high === 0 || (this.#steps[high - 1] ?? 0) < step) return high;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#steps[middle] ?? 0) < step) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #columnOf(metric: LineMetric): Float32Array {
    return this.#values.get(metric) ?? new Float32Array(0);
  }

  #grow(): void {
    const length = Math.max(256, 2 * this.#steps.length);
    const grown = <T extends Float32Array | Float64Array>(into: T, from: T): T => {
      into.set(from);
      return into;
    };
    this.#steps = grown(new Float64Array(length), this.#steps);
    this.#times = grown(new Float64Array(length), this.#times);
    for (const [metric, column] of this.#values)
      this.#values.set(metric, grown(new Float32Array(length), column));
  }
}
