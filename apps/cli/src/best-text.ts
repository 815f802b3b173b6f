import {
  evaluationMetrics,
  taskOfRun,
  type Evaluation,
  type RunStatusReport,
} from '@berth/contracts';

/** What a run's best checkpoint is the best in: `held-out loss 0.433`, `classify_accuracy 0.798`. */
export function bestText(run: RunStatusReport['run'], { loss, score }: Evaluation): string {
  const task = taskOfRun(run);
  const by = run.config.task?.metric ?? task.bestBy;
  const metric = evaluationMetrics(task).find(({ name }) => name === by);
  if (score === undefined || metric === undefined) return `held-out loss ${loss.toFixed(3)}`;
  return `${metric.name} ${(metric.isMoreBetter ? score : -score).toFixed(3)}`;
}
