import { tasks, type TaskChoice, type TaskName } from '@berth/contracts';
import { fineTuningModel, outputParameters } from './fine-tuning/fine-tuning-model.ts';
import { maskedLmModel } from './pretraining/masked-lm-model.ts';
import { packedPretrainingModel, pretrainingModel } from './pretraining/pretraining-model.ts';
import type { TaskModel } from './task-model.ts';

/** Head and losses of each task. */
export const taskModels: Readonly<Record<TaskName, TaskModel>> = {
  pretraining: pretrainingModel,
  maskedLm: maskedLmModel,
  packedPretraining: packedPretrainingModel,
  packedMaskedLm: { ...maskedLmModel, task: tasks.packedMaskedLm },
};

/** Head and losses of a task. */
export function taskModelOf(choice: TaskChoice): TaskModel {
  return typeof choice === 'string' ? taskModels[choice] : fineTuningModel(choice);
}
export { fineTuningModel, outputParameters };
