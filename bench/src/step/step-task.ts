import type { FineTuning, TaskChoice } from '@berth/contracts';
import { taskModels } from '@berth/model';

const labels = ['first', 'second', 'third'];

const fineTunings = {
  classify: { kind: 'classify', labels },
  'classify-many': { kind: 'classify-many', labels },
  regress: { kind: 'regress' },
  tag: { kind: 'tag', labels },
  answer: { kind: 'answer' },
} as const satisfies { [K in FineTuning['kind']]: FineTuning & { kind: K } };

export type StepTask = keyof typeof taskModels | keyof typeof fineTunings;

/** Tasks whose step can be measured; those of fine-tuning have three made-up labels, where they have labels. */
export const stepTasks = [...Object.keys(taskModels), ...Object.keys(fineTunings)] as StepTask[];

/** Undefined for a task of pre-training. */
export function fineTuningOf(task: StepTask): FineTuning | undefined {
  return task in fineTunings ? fineTunings[task as keyof typeof fineTunings] : undefined;
}

export function taskChoiceOf(task: StepTask): TaskChoice {
  return fineTuningOf(task) ?? (task as keyof typeof taskModels);
}
