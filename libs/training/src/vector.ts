import type { ParameterSpec, Task } from '@berth/contracts';

/** Elements of the flat parameter vector. */
export function numParameters(layout: readonly ParameterSpec[]): number {
  const last = layout.at(-1);
  return last === undefined ? 0 : last.offset + last.size;
}

/** Elements that travel in an all-reduce: the gradient, then the step sums. */
export function vectorLength({
  layout,
  task,
}: {
  readonly layout: readonly ParameterSpec[];
  readonly task: Task;
}): number {
  return numParameters(layout) + task.sums.length;
}
