import type { TaskName } from '@berth/contracts';
import { maskedLmModel } from './pretraining/masked-lm-model.ts';
import { pretrainingModel } from './pretraining/pretraining-model.ts';
import type { TaskModel } from './task-model.ts';

/** Head and losses of each task. */
export const taskModels: Readonly<Record<TaskName, TaskModel>> = {
  pretraining: pretrainingModel,
  maskedLm: maskedLmModel,
};
export { fineTuningModel } from './fine-tuning/fine-tuning-model.ts';
