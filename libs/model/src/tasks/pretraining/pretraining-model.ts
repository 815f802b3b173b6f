import { tasks, type Task } from '@berth/contracts';
import { ops } from '@berth/graph';
import { sum, type Tensor2D } from '@tensorflow/tfjs-core';
import { column } from '../../graph/step-context.ts';
import {
  pooledClassifier,
  type ClassSums,
  type PooledClassifier,
} from '../../heads/pooled-classifier.ts';
import { poolerShapes } from '../../heads/pooler.ts';
import type { TaskModel } from '../task-model.ts';
import {
  maskedLmLogits,
  MaskedLmPass,
  maskedLmShapes,
  maskedLmSums,
  outputBias,
} from './masked-lm-head.ts';

const scope = 'cls/seq_relationship';
const labels = 'nextSentenceLabels';
const weights = 'nextSentenceWeights';

/** BERT with both pretraining heads, as in the BERT release (docs/bert.md#loss). */
export const pretrainingModel = modelOf(tasks.pretraining, pooledClassifier(scope, labels, 2));

/** The same where rows have several pairs. */
export const packedPretrainingModel = modelOf(
  tasks.packedPretraining,
  pooledClassifier(scope, labels, 2, { positions: 'sequenceStarts', weights }),
  weights,
);

/** @param pairs - the column whose sum is the number of pairs, where that is one of the task's */
function modelOf(task: Task, nextSentence: PooledClassifier, pairs?: string): TaskModel {
  return {
    task,

    headShapes: (config) => [
      ...poolerShapes(config),
      ...maskedLmShapes(config),
      ...nextSentence.shapes(config),
    ],
    vocabularyParameters: [outputBias],

    eager: {
      outputs: (context, sequence_TH) => ({
        maskedLmLogits: maskedLmLogits(context, sequence_TH),
        nextSentenceLogits: nextSentence.logits(context, sequence_TH),
      }),
      sums: ({ maskedLmLogits: masked, nextSentenceLogits: next }, batch) => ({
        ...sumsOf(
          maskedLmSums(masked as Tensor2D, batch),
          sum(batch.column('maskedWeights')),
          nextSentence.sums(next as Tensor2D, batch),
        ),
        ...(pairs !== undefined && { numSequences: sum(batch.column(pairs)) }),
      }),
    },

    graph: {
      forward(context, hidden_TH) {
        const next = nextSentence.forward(context, hidden_TH);
        const masked = new MaskedLmPass(context, hidden_TH);
        const maskedWeight = ops.sum(column(context, 'maskedWeights'), [0, 1]);
        const counts =
          pairs === undefined ? {} : { numSequences: ops.sum(column(context, pairs), [0, 1]) };
        return {
          outputs: () => ({
            maskedLmLogits: masked.logits(),
            nextSentenceLogits: next.logits(),
          }),
          sums: () => ({ ...sumsOf(masked.sums(), maskedWeight, next.sums()), ...counts }),
          backward(scales, gradients) {
            const ofMasked = masked.backward(scales['masked_lm']!, gradients);
            const ofNext = next.backward(scales['next_sentence']!, gradients);
            return {
              sums: { ...sumsOf(ofMasked.sums, maskedWeight, ofNext.sums), ...counts },
              hidden: [ofMasked.hidden, ofNext.hidden],
              words_VH: ofMasked.words_VH,
            };
          },
        };
      },
    },
  };
}

function sumsOf<T>(masked: ClassSums<T>, maskedWeight: T, next: ClassSums<T>): Record<string, T> {
  return {
    maskedLmLoss: masked.loss,
    maskedLmCorrect: masked.hits,
    maskedWeight,
    nextSentenceLoss: next.loss,
    nextSentenceCorrect: next.hits,
  };
}
