import type { ExamplesConfig, RunConfig } from '../run-config.ts';
import { fineTuningOf, fineTuningTask, type FineTuning } from './fine-tuning/fine-tuning.ts';
import { maskedLm } from './masked-lm.ts';
import { packedMaskedLm } from './packed-masked-lm.ts';
import { packedPretraining } from './packed-pretraining.ts';
import { pretraining } from './pretraining.ts';
import type { Task } from './task.ts';

/** What a run can learn from a corpus. */
export const tasks = {
  pretraining,
  maskedLm,
  packedPretraining,
  packedMaskedLm,
} as const satisfies Record<string, Task>;
export type TaskName = keyof typeof tasks;

/** Which task it is: one that has a name, or one that is made of its labels. Crosses between threads and processes. */
export type TaskChoice = TaskName | FineTuning;

export function taskOf(choice: TaskChoice): Task {
  return typeof choice === 'string' ? tasks[choice] : fineTuningTask(choice);
}

/** The task that examples of a corpus are for. */
export function taskNameOf({
  nextSentence,
  sequencesPerRow,
}: Pick<ExamplesConfig, 'nextSentence' | 'sequencesPerRow'>): TaskName {
  if (sequencesPerRow === 1) return nextSentence ? 'pretraining' : 'maskedLm';
  return nextSentence ? 'packedPretraining' : 'packedMaskedLm';
}

/** What of a run says what it learns. */
export interface Learning {
  readonly config: Pick<RunConfig, 'task' | 'examples'>;
  /** Of the labelled examples, once they were read. */
  readonly labelledData?: { readonly fineTuning: FineTuning } | undefined;
}

/** The task of a run; of one whose labelled examples were not read yet, with the labels that its config gives. */
export function taskChoiceOf({ config, labelledData }: Learning): TaskChoice {
  if (config.task === undefined) return taskNameOf(config.examples);
  return labelledData?.fineTuning ?? fineTuningOf(config.task);
}

export function taskOfRun(run: Learning): Task {
  return taskOf(taskChoiceOf(run));
}
