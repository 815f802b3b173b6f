export { taskNameOf, taskOf, tasks, type TaskName } from './tasks.ts';
export type {
  BatchShape,
  Column,
  ColumnValues,
  ExampleSizes,
  LossTerm,
  Mean,
  Metric,
  Task,
} from './task.ts';
export { encoderColumns } from './task.ts';
