import { evaluationMetrics, type Task } from './tasks/task.ts';

/** What is drawn of metrics lines of kind `eval`. */
export function evalMetrics(task: Task): string[] {
  return ['loss', ...evaluationMetrics(task).map(({ name }) => name)];
}

/** What is drawn of metrics lines of kind `step`. */
export function stepMetrics(task: Task): string[] {
  return [
    ...evalMetrics(task),
    'learningRate',
    'gradientNorm',
    'tokensPerSecond',
    'stepMs',
    'dataMs',
    'computeMs',
    'reduceMs',
    'commitMs',
    'applyMs',
  ];
}
