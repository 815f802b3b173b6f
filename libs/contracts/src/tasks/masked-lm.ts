import { pretraining } from './pretraining.ts';
import type { Task } from './task.ts';

const isKept = ({ name }: { readonly name: string }): boolean => !/^next_?sentence/i.test(name);

/** Pre-training without next sentence prediction, on packed sentences, as in RoBERTa: what is left of `pretraining`. */
export const maskedLm: Task = {
  ...pretraining,
  name: 'maskedLm',
  columns: pretraining.columns.filter(isKept),
  sums: pretraining.sums.filter((name) => isKept({ name })),
  losses: pretraining.losses.filter(isKept),
  metrics: pretraining.metrics.filter(isKept),
  baselines: pretraining.baselines.filter(isKept),
  headlines: ['masked_lm_loss', 'masked_lm_accuracy'],
  pairsSentences: false,
  exampleFormat: 'berth-packed-examples/2',
};
