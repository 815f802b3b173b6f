import type { ExamplesConfig } from '../run-config.ts';
import { maskedLm } from './masked-lm.ts';
import { pretraining } from './pretraining.ts';
import type { Task } from './task.ts';

/** What a run can learn. */
export const tasks = { pretraining, maskedLm } as const satisfies Record<string, Task>;
export type TaskName = keyof typeof tasks;

/** The task that a run's examples are for. */
export function taskNameOf({ nextSentence }: Pick<ExamplesConfig, 'nextSentence'>): TaskName {
  return nextSentence ? 'pretraining' : 'maskedLm';
}

export function taskOf(examples: Pick<ExamplesConfig, 'nextSentence'>): Task {
  return tasks[taskNameOf(examples)];
}
