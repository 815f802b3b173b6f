import { evaluationMetrics } from '../task.ts';
import { fineTuningTask, type FineTuning } from './fine-tuning.ts';

const examples: readonly FineTuning[] = [
  { kind: 'classify', labels: ['0', '1'] },
  { kind: 'classify-many', labels: ['0', '1'] },
  { kind: 'regress' },
  { kind: 'tag', labels: ['0', '1'] },
  { kind: 'tag', labels: ['O', 'B-0'] },
  { kind: 'answer' },
];

/**
 * The names of all metrics that a fine-tuning of this kind can have, `loss` among them. Which of them it has depends on its
 * labels, and is known of its task.
 */
export function metricsOfKind(kind: FineTuning['kind']): readonly string[] {
  const tasks = examples.filter((one) => one.kind === kind).map(fineTuningTask);
  const names = tasks.flatMap((task) => evaluationMetrics(task).map(({ name }) => name));
  return ['loss', ...new Set(names)];
}

/** The names of all metrics that fine-tunings of any kind can have. */
export const fineTuningMetrics: readonly string[] = [
  ...new Set(examples.flatMap(({ kind }) => metricsOfKind(kind))),
];
