import { tasks } from '@berth/contracts';
import type { TaskExamples } from '../task-examples.ts';
import { pretrainingBaselines } from './baselines.ts';
import { encodeExampleShard, openExampleShard } from './example-shard.ts';
import { generateExamples } from './generate.ts';

/** Masked LM and next sentence examples. */
export const pretrainingExamples: TaskExamples = {
  task: tasks.pretraining,
  make: (request) =>
    encodeExampleShard(generateExamples(request), {
      exampleSetId: request.exampleSetId,
      ...request.settings,
    }),
  open: openExampleShard,
  baselines: pretrainingBaselines,
};
