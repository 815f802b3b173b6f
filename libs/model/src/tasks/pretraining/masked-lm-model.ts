import { tasks } from '@berth/contracts';
import { ops } from '@berth/graph';
import { sum, type Tensor2D } from '@tensorflow/tfjs-core';
import { column } from '../../graph/step-context.ts';
import type { ClassSums } from '../../heads/pooled-classifier.ts';
import type { TaskModel } from '../task-model.ts';
import {
  maskedLmLogits,
  MaskedLmPass,
  maskedLmShapes,
  maskedLmSums,
  outputBias,
} from './masked-lm-head.ts';

/** BERT with the masked LM head alone: no pooler either, which nothing would train. */
export const maskedLmModel: TaskModel = {
  task: tasks.maskedLm,
  headShapes: maskedLmShapes,
  vocabularyParameters: [outputBias],

  eager: {
    outputs: (context, sequence_TH) => ({ maskedLmLogits: maskedLmLogits(context, sequence_TH) }),
    sums: ({ maskedLmLogits: logits }, batch) =>
      sumsOf(maskedLmSums(logits as Tensor2D, batch), sum(batch.column('maskedWeights'))),
  },

  graph: {
    forward(context, hidden_TH) {
      const masked = new MaskedLmPass(context, hidden_TH);
      const maskedWeight = ops.sum(column(context, 'maskedWeights'), [0, 1]);
      return {
        outputs: () => ({ maskedLmLogits: masked.logits() }),
        sums: () => sumsOf(masked.sums(), maskedWeight),
        backward(scales, gradients) {
          const { sums, hidden, words_VH } = masked.backward(scales['masked_lm']!, gradients);
          return { sums: sumsOf(sums, maskedWeight), hidden: [hidden], words_VH };
        },
      };
    },
  },
};

function sumsOf<T>({ loss, hits }: ClassSums<T>, maskedWeight: T): Record<string, T> {
  return { maskedLmLoss: loss, maskedLmCorrect: hits, maskedWeight };
}
