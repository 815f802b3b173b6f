import { pretraining } from './pretraining.ts';
import { sequenceColumn, type Mean, type Task } from './task.ts';

const labels = 'nextSentenceLabels';

/** The loss of next sentences is a mean over sequences, not rows. */
function perSequence<T extends Mean>(mean: T): T {
  return mean.over.sum === 'numExamples'
    ? { ...mean, over: { sum: 'numSequences', plus: 0 } }
    : mean;
}

/**
 * The same where a row of a batch has several sequences, which see nothing of each other: pairs, each with its label. A row is an
 * example. As each pair has a prediction at least, there are never more of them than slots for predictions: P slots for pairs,
 * unused ones with weight 0.
 */
export const packedPretraining: Task = {
  ...pretraining,
  name: 'packedPretraining',
  columns: [
    ...pretraining.columns.filter(({ name }) => name !== labels),
    sequenceColumn,
    /** Of each pair, the position of its [CLS]. */
    { name: 'sequenceStarts', dtype: 'int32', shape: ['maxPredictions'], values: 'position' },
    { name: labels, dtype: 'int32', shape: ['maxPredictions'], values: 2 },
    { name: 'nextSentenceWeights', dtype: 'float32', shape: ['maxPredictions'], values: 'weight' },
  ],
  sums: [...pretraining.sums, 'numSequences'],
  losses: pretraining.losses.map(perSequence),
  metrics: pretraining.metrics.map(perSequence),
  exampleFormat: 'berth-packed-pairs/1',
};
