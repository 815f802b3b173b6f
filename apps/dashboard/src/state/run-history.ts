import {
  computed,
  effect,
  signal,
  untracked,
  type ReadonlySignal,
  type Signal,
} from '@preact/signals';
import type { ApiEvent, Marker, MetricsLine, RunAttempt } from '@berth/contracts';
import { api, ApiError } from '../api/client.ts';
import { appendLines, curveOfTrace, type Curve } from '../charts/curve.ts';
import { chosenAxis } from './chart-settings.ts';
import { onEvent, whenFollowing } from './live.ts';

/** Buckets asked for; about one for two pixels of a chart. */
const numBuckets = 500;
/** Points of a curve before it is made coarser. */
const limit = numBuckets * 3;
/** Charts are drawn no more often than this. */
const drawEveryMs = 300;
const keptLines = 20_000;

/** The metrics of one run, in buckets, kept up to date. */
export interface RunHistory {
  readonly runId: string;
  readonly step: ReadonlySignal<readonly Curve[] | null>;
  readonly evaluation: ReadonlySignal<readonly Curve[] | null>;
  readonly markers: ReadonlySignal<readonly Marker[]>;
  /** The part of the axis that is shown; null: all of it. */
  readonly zoom: Signal<readonly [number, number] | null>;
  /** Least and greatest x there is to show. */
  readonly range: ReadonlySignal<readonly [number, number]>;
  readonly error: ReadonlySignal<string | null>;
  /** Asks for these metrics of steps and of evaluations too; what is not asked for is not read. */
  readonly want: (ofSteps: readonly string[], ofEvals: readonly string[]) => Promise<void>;
  /** Reads what the axis and the zoom ask for. */
  readonly read: () => Promise<void>;
  readonly close: () => void;
}

/** Follows a run's metrics until closed. */
export function followHistory(runId: string): RunHistory {
  const step = signal<readonly Curve[] | null>(null);
  const evaluation = signal<readonly Curve[] | null>(null);
  const markers = signal<readonly Marker[]>([]);
  const zoom = signal<readonly [number, number] | null>(null);
  const error = signal<string | null>(null);
  let metrics: readonly string[] = [];
  let evalMetrics: readonly string[] = [];
  let numReads = 0;
  let waiting: MetricsLine[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  let branches: string | undefined;

  const read = async (): Promise<void> => {
    if (metrics.length === 0) return;
    const thisRead = ++numReads;
    const [from, to] = zoom.value ?? [];
    const options = { x: chosenAxis.value, from, to, numBuckets };
    try {
      // Lines that are committed in between would be in neither.
      await whenFollowing();
      const [ofSteps, ofEvals] = await Promise.all([
        api.history(runId, { ...options, metrics, kind: 'step' }),
        evalMetrics.length === 0
          ? undefined
          : api.history(runId, { ...options, metrics: evalMetrics, kind: 'eval' }),
      ]);
      if (thisRead !== numReads) return;
      step.value = ofSteps.traces.map(curveOfTrace);
      evaluation.value = (ofEvals?.traces ?? []).map(curveOfTrace);
      markers.value = ofSteps.markers;
      error.value = null;
      draw();
    } catch (failure) {
      if (thisRead !== numReads) return;
      error.value = failure instanceof ApiError ? failure.message : String(failure);
    }
  };

  const draw = (): void => {
    timer = undefined;
    if (step.value === null || waiting.length === 0) return;
    const lines = waiting;
    waiting = [];
    // A zoomed chart shows the past: lines beyond its end would only make it coarser.
    if (zoom.value !== null) return;
    const options = { axis: chosenAxis.value, limit };
    const ofKind = (kind: MetricsLine['kind']): MetricsLine[] =>
      lines.filter((line) => line.kind === kind);
    step.value = appendLines(step.value, ofKind('step'), { ...options, metrics });
    evaluation.value = appendLines(evaluation.value ?? [], ofKind('eval'), {
      ...options,
      metrics: evalMetrics,
    });
  };

  const take = (event: ApiEvent): void => {
    if (event.type === 'resync') void read();
    if (event.type === 'metrics' && event.runId === runId) {
      waiting = [...waiting, ...event.lines].slice(-keptLines);
      timer ??= setTimeout(draw, drawEveryMs);
    }
    if (event.type === 'marker' && event.runId === runId) {
      markers.value = [...markers.value, event.marker];
    }
    if (event.type === 'run' && event.report.run.runId === runId) {
      const now = branchesOf(event.report.run.attempts);
      // An attempt has begun: what came after its checkpoint is a branch, and it is marked itself.
      if (branches !== undefined && branches !== now) void read();
      branches = now;
    }
  };

  const stopListening = onEvent(take);
  const stopAxis = effect(() => {
    void chosenAxis.value;
    untracked(() => {
      zoom.value = null;
      void read();
    });
  });
  return {
    runId,
    step,
    evaluation,
    markers,
    zoom,
    range: computed(
      () => zoom.value ?? extentOf([...(step.value ?? []), ...(evaluation.value ?? [])]),
    ),
    error,
    want: async (ofSteps, ofEvals) => {
      const isThere =
        ofSteps.every((metric) => metrics.includes(metric)) &&
        ofEvals.every((metric) => evalMetrics.includes(metric));
      if (isThere) return;
      metrics = [...new Set([...metrics, ...ofSteps])];
      evalMetrics = [...new Set([...evalMetrics, ...ofEvals])];
      await read();
    },
    read,
    close: () => {
      stopListening();
      stopAxis();
      clearTimeout(timer);
      numReads++;
    },
  };
}

function extentOf(curves: readonly Curve[]): readonly [number, number] {
  let from = Infinity;
  let to = -Infinity;
  for (const { x } of curves) {
    from = Math.min(from, x[0] ?? Infinity);
    to = Math.max(to, x.at(-1) ?? -Infinity);
  }
  if (from > to) return [0, 1];
  // Almost the beginning is the beginning.
  if (from > 0 && from < to * 0.02) return [0, to];
  return from === to ? [from - 1, to + 1] : [from, to];
}

function branchesOf(attempts: readonly RunAttempt[]): string {
  return attempts.map(({ attempt, abandonedFromStep }) => `${attempt}/${abandonedFromStep}`).join();
}
