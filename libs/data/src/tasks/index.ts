import type { TaskName } from '@berth/contracts';
import { maskedLmExamples } from './pretraining/masked-lm-examples.ts';
import { pretrainingExamples } from './pretraining/pretraining-examples.ts';
import type { TaskExamples } from './task-examples.ts';

/** How the examples of each task are made and read. */
export const taskExamples: Readonly<Record<TaskName, TaskExamples>> = {
  pretraining: pretrainingExamples,
  maskedLm: maskedLmExamples,
};
