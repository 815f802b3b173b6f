import { fineTuningTask, type FineTuning } from '@berth/contracts';
import type { StoredTaskExamples } from '../task-examples.ts';
import { openLabelledShard } from './labelled-shard.ts';

/** How the examples of a fine-tuning are read; `makeLabelledShards` makes them, of a whole file at once. */
export function labelledExamples(fineTuning: FineTuning): StoredTaskExamples {
  return {
    task: fineTuningTask(fineTuning),
    open: (bytes, expectedSha256, name) =>
      openLabelledShard(fineTuning, bytes, expectedSha256, name),
    baselines: () => ({ add: () => undefined, values: () => ({}) }),
  };
}
