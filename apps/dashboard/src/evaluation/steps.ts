import type { RunStatusReport } from '@berth/contracts';
import {
  evaluationMetrics,
  taskOfRun,
  type Learning,
  type ShownMetric,
} from '@berth/contracts/constants';

/** Steps of the run that were evaluated and are not left behind, newest first. */
export function evaluatedSteps({ run, lastEval }: RunStatusReport): number[] {
  const leftAfter = new Map(
    run.attempts.map(({ attempt, abandonedFromStep }) => [attempt, abandonedFromStep ?? Infinity]),
  );
  const all = lastEval === null ? run.evaluations : [...run.evaluations, lastEval];
  const kept = all.filter(({ attempt, step }) => step <= (leftAfter.get(attempt) ?? Infinity));
  return [...new Set(kept.map(({ step }) => step))].toSorted((a, b) => b - a);
}

/** The metric by which the best checkpoint of a run is chosen; undefined where that is the loss. */
export function judgedBy(run: Learning): ShownMetric | undefined {
  const task = taskOfRun(run);
  const chosen = run.config.task?.metric ?? task.bestBy;
  return evaluationMetrics(task).find(({ name }) => name === chosen);
}
