import type { ExamplesConfig } from '../run-config.ts';
import { pretraining } from './pretraining.ts';
import type { Task } from './task.ts';

/** What a run can learn. */
export const tasks = { pretraining } as const satisfies Record<string, Task>;
export type TaskName = keyof typeof tasks;

/** The task that a run's examples are for; so far a run file has no choice. */
export function taskNameOf(_examples: ExamplesConfig): TaskName {
  return 'pretraining';
}

export function taskOf(examples: ExamplesConfig): Task {
  return tasks[taskNameOf(examples)];
}
