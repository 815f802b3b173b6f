import type { TaskChoice, TaskName } from '@berth/contracts';
import { labelledExamples } from './fine-tuning/labelled-examples.ts';
import { maskedLmExamples } from './pretraining/masked-lm-examples.ts';
import {
  packedMaskedLmExamples,
  packedPretrainingExamples,
} from './pretraining/packed-examples.ts';
import { pretrainingExamples } from './pretraining/pretraining-examples.ts';
import type { StoredTaskExamples, TaskExamples } from './task-examples.ts';

/** How the examples of each task are made and read. */
export const taskExamples: Readonly<Record<TaskName, TaskExamples>> = {
  pretraining: pretrainingExamples,
  maskedLm: maskedLmExamples,
  packedPretraining: packedPretrainingExamples,
  packedMaskedLm: packedMaskedLmExamples,
};

/** How the stored examples of a task are read. */
export function storedExamplesOf(choice: TaskChoice): StoredTaskExamples {
  return typeof choice === 'string' ? taskExamples[choice] : labelledExamples(choice);
}
