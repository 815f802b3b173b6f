import type { LossTerm, Mean, Task } from './tasks/task.ts';

/** A task's sums over some examples, by its names. */
export type StepSums = Record<string, number>;

/** The sums in a vector, in the order of their names. */
export function sumsFromVector(
  names: readonly string[],
  vector: ArrayLike<number>,
  offset = 0,
): StepSums {
  return Object.fromEntries(names.map((name, index) => [name, vector[offset + index] ?? 0]));
}

/** Sum by sum, in the order of the operands; nothing is 0. */
export function addSums(names: readonly string[], all: readonly StepSums[]): StepSums {
  const total = (name: string): number =>
    all.reduce((sum, sums) => sum + (sums[name] ?? Number.NaN), 0);
  return Object.fromEntries(names.map((name) => [name, total(name)]));
}

/** A task's metrics by name, means of pooled sums, after the loss that they explain. */
export function metricsFromSums(
  task: Task,
  sums: StepSums,
): { readonly loss: number } & Record<string, number> {
  const loss = task.losses.reduce(
    (total, term) => total + (term.factor ?? 1) * meanOf(term, sums),
    0,
  );
  const metrics = task.metrics.map((metric) => [metric.name, meanOf(metric, sums)] as const);
  return { loss, ...Object.fromEntries(metrics) };
}

/**
 * What each loss term is multiplied by before it enters the total, so that what virtual ranks compute adds up to a mean. A step
 * without anything that a term is about has 0 of it.
 * @param sums - of the whole step, as far as they are denominators
 */
export function lossScalesOf(task: Task, sums: StepSums): Record<string, number> {
  const scaleOf = (term: LossTerm): number => (term.factor ?? 1) / (denominatorOf(term, sums) || 1);
  return Object.fromEntries(task.losses.map((term) => [term.name, scaleOf(term)]));
}

function meanOf(mean: Mean, sums: StepSums): number {
  return (sums[mean.sum] ?? Number.NaN) / (denominatorOf(mean, sums) || 1);
}

function denominatorOf({ over }: Mean, sums: StepSums): number {
  return (sums[over.sum] ?? Number.NaN) + over.plus;
}
