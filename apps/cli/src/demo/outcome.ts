import {
  baselinesOf,
  BerthError,
  evaluationMetrics,
  taskOfRun,
  type MetricsLine,
  type RunRecord,
} from '@berth/contracts';

/** What a fine-tuning reached in the metric of its task after its last step. */
export interface Outcome {
  /** Of the metric, for people. */
  readonly metric: string;
  readonly value: number;
  /** What saying always the same reaches. */
  readonly baseline: number;
  readonly numTrain: number;
  readonly numEval: number;
  readonly seconds: number;
}

/**
 * @param lines - of the run, oldest first
 * @throws BerthError `RUN_STATE_CONFLICT` for a run that was not evaluated
 */
export function outcomeOfRun(run: RunRecord, lines: readonly MetricsLine[]): Outcome {
  const task = taskOfRun(run);
  const name = task.bestBy;
  const last = lines.findLast(({ kind }) => kind === 'eval');
  const numberOf = (key: string): number | undefined => {
    const value = last?.[key];
    return typeof value === 'number' ? value : undefined;
  };
  const value = numberOf(name);
  if (value === undefined || run.labelledData === undefined)
    throw new BerthError('RUN_STATE_CONFLICT', `Run "${run.runId}" has no ${name}: train it`);
  const { numTrainExamples, numHeldOutExamples } = run.labelledData;
  const durationMs = run.attempts.reduce(
    (sum, { startedAtMs, endedAtMs }) => sum + ((endedAtMs ?? startedAtMs) - startedAtMs),
    0,
  );
  const baseline = baselinesOf(task, name)[0];
  return {
    metric: evaluationMetrics(task).find((metric) => metric.name === name)?.label ?? name,
    value,
    // Of F1 of entities none is written: whoever always says the same word is none finds no entity.
    baseline: (baseline && numberOf(baseline.name)) ?? 0,
    numTrain: numTrainExamples,
    numEval: numHeldOutExamples,
    seconds: durationMs / 1000,
  };
}

/** `era-pretrained-1: Accuracy 76.4 % in 9 s` */
export function outcomeLine(runId: string, { metric, value, seconds }: Outcome): string {
  return `${runId}: ${metric} ${(100 * value).toFixed(1)} % in ${Math.round(seconds)} s`;
}
