import type { Baseline, ShownMetric } from '../task.ts';

/** A metric from 0 to 1, 1 the best. */
export function share(name: string, label: string): ShownMetric {
  return { name, label, unit: 'ratio', isMoreBetter: true };
}

/** What a predictor that has learnt nothing reaches in some metrics. */
export function baselinesIn(
  metrics: readonly string[],
  predictor: string,
  label: string,
): Baseline[] {
  return metrics.map((metric) => ({ name: baselineName(metric, predictor), metric, label }));
}

/** @param predictor - in snake case, such as `majority` */
export function baselineName(metric: string, predictor: string): string {
  return `${metric}_${predictor}`;
}
