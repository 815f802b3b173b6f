import type {
  History,
  HistoryQuery,
  Marker,
  MetricsLine,
  StepMetric,
  Trace,
} from '@berth/contracts';
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
  metric: StepMetric,
  xOf: (line: MetricsLine) => number,
  low: number,
  width: number,
): Trace {
  const trace = {
    x: [] as number[],
    mean: [] as (number | null)[],
    min: [] as (number | null)[],
    max: [] as (number | null)[],
  };
  let bucket = -1;
  let values: (number | null)[] = [];
  let last = 0;
  let numPoints = 0;
  const flush = (): void => {
    if (values.length === 0) return;
    const finite = values.filter((value) => value !== null);
    trace.x.push(last);
    trace.mean.push(
      finite.length < values.length
        ? null
        : finite.reduce((sum, value) => sum + value, 0) / finite.length,
    );
    trace.min.push(finite.length === 0 ? null : Math.min(...finite));
    trace.max.push(finite.length === 0 ? null : Math.max(...finite));
    values = [];
  };
  for (const line of lines) {
    const value = valueOf(line, metric);
    if (value === undefined) continue;
    const place = Math.floor((xOf(line) - low) / width);
    if (place !== bucket) flush();
    bucket = place;
    last = xOf(line);
    values.push(value);
    numPoints++;
  }
  flush();
  return { metric, attempt, isAbandoned, ...trace, numPoints };
}
