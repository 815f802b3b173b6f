export {
  taskChoiceOf,
  taskNameOf,
  taskOf,
  taskOfRun,
  tasks,
  type Learning,
  type TaskChoice,
  type TaskName,
} from './tasks.ts';
export type {
  Baseline,
  BatchShape,
  Column,
  ColumnValues,
  ExampleSizes,
  LossTerm,
  Mean,
  Metric,
  ShownMetric,
  Task,
  TokenPrediction,
} from './task.ts';
export {
  baselinesOf,
  dimensionOf,
  encoderColumns,
  sequenceColumn,
  evaluationMetrics,
  evaluationScore,
  isMeasuredByPredictions,
} from './task.ts';
export { fineTuningTask, labelsOf, type FineTuning } from './fine-tuning/fine-tuning.ts';
export { haveEntities } from './fine-tuning/entity-tags.ts';
export { metricsOfKind } from './fine-tuning/metrics-of-kind.ts';
export { baselineName } from './fine-tuning/report-metrics.ts';
export type { FineTuningReport, Outcome, WorstExample } from './fine-tuning/report.ts';
export type { FineTuningSection } from './fine-tuning/settings.ts';
