import {
  evaluationMetrics,
  taskOfRun,
  type Evaluation,
  type Learning,
  type ShownMetric,
  type RunStatusReport,
} from '@berth/contracts';

/** The metric that a run's checkpoints are compared by; undefined where that is the loss. */
export function chosenMetric(run: Learning): ShownMetric | undefined {
  const task = taskOfRun(run);
  const by = run.config.task?.metric ?? task.bestBy;
  return evaluationMetrics(task).find(({ name }) => name === by);
}

/** What a run's best checkpoint is the best in: `held-out loss 0.433`, `classify_accuracy 0.798`. */
export function bestText(run: RunStatusReport['run'], { loss, score }: Evaluation): string {
  const metric = chosenMetric(run);
  if (score === undefined || metric === undefined) return `held-out loss ${loss.toFixed(3)}`;
  return `${metric.name} ${(metric.isMoreBetter ? score : -score).toFixed(3)}`;
}
