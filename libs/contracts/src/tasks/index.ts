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
export { baselinesOf, encoderColumns } from './task.ts';
