import { BerthError, tasks } from '@berth/contracts';
import type { TaskExamples } from '../task-examples.ts';
import { encodeExampleShard } from './example-shard.ts';
import { generatePackedExamples } from './generate-packed.ts';
import { pretrainingExamples } from './pretraining-examples.ts';

const { exampleFormat } = tasks.maskedLm;

/** Masked LM examples of packed sentences. */
export const maskedLmExamples: TaskExamples = {
  ...pretrainingExamples,
  task: tasks.maskedLm,
  firstFormat: exampleFormat,
  readsWindow: () => false,
  make(request) {
    const { format = exampleFormat, exampleSetId, settings } = request;
    if (format !== exampleFormat)
      throw new BerthError(
        'DATA_MISMATCH',
        `this worker's release does not know how to make ${format}; give all workers the newest release`,
      );
    return encodeExampleShard(generatePackedExamples(request), { exampleSetId, ...settings });
  },
};
