import type { History, HistoryQuery, Marker, MetricsLine, Trace } from '@berth/contracts';
import { valueOf } from '../src/charts/curve.ts';

/** Lines of one attempt, or the part of it that the run has left behind. */
export interface Stretch {
  readonly attempt: number;
  readonly isAbandoned: boolean;
  readonly lines: readonly MetricsLine[];
}

/** What `GET /history` answers. */
export function historyOf(
  runId: string,
  stretches: readonly Stretch[],
  markers: readonly Marker[],
  query: HistoryQuery,
): History {
  const xOf = (line: MetricsLine): number => (query.x === 'step' ? line.step : line.timeMs);
  const { from = -Infinity, to = Infinity } = query;
  const shown = stretches.map((stretch) => ({
    ...stretch,
    lines: stretch.lines.filter(
      (line) => line.kind === query.kind && xOf(line) >= from && xOf(line) <= to,
    ),
  }));
  const all = shown
    .flatMap(({ lines }) => [lines[0], lines.at(-1)])
    .filter((line) => line !== undefined);
  const low = Math.min(...all.map(xOf));
  const width = Math.max(1e-9, (Math.max(...all.map(xOf)) - low) / query.numBuckets);
  const traces = shown.flatMap((stretch) =>
    stretch.lines.length === 0
      ? []
      : query.metrics.map((metric) => traceOf(stretch, metric, xOf, low, width)),
  );
  return { runId, traces, markers: [...markers], asOfMs: Date.now() };
}

function traceOf(
  { attempt, isAbandoned, lines }: Stretch,
  metric: string,
  xOf: (line: MetricsLine) => number,
  low: number,
  width: number,
): Trace {
  const x: number[] = [];
  const mean: (number | null)[] = [];
  const min: (number | null)[] = [];
  const max: (number | null)[] = [];
  let bucket = -1;
  let sum = 0;
  let count = 0;
  let numPoints = 0;
  const closeBucket = (): void => {
    if (count === 0) return;
    mean.push(Number.isFinite(sum) ? sum / count : null);
    count = 0;
    sum = 0;
  };
  for (const line of lines) {
    const value = valueOf(line, metric);
    if (value === undefined) continue;
    const at = xOf(line);
    const place = Math.floor((at - low) / width);
    if (place !== bucket) {
      closeBucket();
      bucket = place;
      x.push(at);
      min.push(null);
      max.push(null);
    }
    const last = x.length - 1;
    x[last] = at;
    sum += value ?? NaN;
    if (value !== null) {
      min[last] = Math.min(min[last] ?? value, value);
      max[last] = Math.max(max[last] ?? value, value);
    }
    count++;
    numPoints++;
  }
  closeBucket();
  return { metric, attempt, isAbandoned, x, mean, min, max, numPoints };
}
