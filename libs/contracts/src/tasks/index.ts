export { taskNameOf, taskOf, tasks, type TaskName } from './tasks.ts';
export type {
  Baseline,
  BatchShape,
  Column,
  ColumnValues,
  ExampleSizes,
  LossTerm,
  Mean,
  Metric,
  Task,
  TokenPrediction,
} from './task.ts';
export { baselinesOf, dimensionOf, encoderColumns } from './task.ts';
export { fineTuningTask, labelsOf, type FineTuning } from './fine-tuning/fine-tuning.ts';
