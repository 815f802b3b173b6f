import { evaluationMetrics, taskOfRun, type GridReport } from '@berth/contracts/constants';
import type { RunStatusReport } from '@berth/contracts';
import { formatMetric, formatTick } from '../format.ts';

type Values = GridReport['combinations'][number]['values'];

/** The last part of a setting's path: `learningRate` of `optimizer.learningRate`. */
export function shortPath(path: string): string {
  return path.slice(path.lastIndexOf('.') + 1);
}

export function sayValue(value: unknown): string {
  if (typeof value === 'number') return formatTick(value);
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** `learningRate 5e−5, globalBatch 32`; `all alike` where nothing but the seed differs. */
export function sayValues(values: Values): string {
  const parts = Object.entries(values).map(
    ([path, value]) => `${shortPath(path)} ${sayValue(value)}`,
  );
  return parts.length === 0 ? 'all alike' : parts.join(', ');
}

/** Writes values of a grid's metric. */
export function metricFormat(
  { metric }: Pick<GridReport, 'metric'>,
  run: RunStatusReport['run'] | undefined,
): (value: number | null | undefined) => string {
  const known = run && evaluationMetrics(taskOfRun(run)).find(({ name }) => name === metric.name);
  return (value) => formatMetric(value, known ?? { unit: 'nats' });
}

/** How long a run has trained, all its attempts together. */
export function trainedMs({ run, step }: RunStatusReport, nowMs: number): number | null {
  if (step === 0) return null;
  return run.attempts.reduce(
    (sum, { startedAtMs, endedAtMs }) => sum + (endedAtMs ?? nowMs) - startedAtMs,
    0,
  );
}
