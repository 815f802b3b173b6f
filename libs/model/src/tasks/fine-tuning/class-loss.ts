// Shapes: R rows, C classes, B examples.
import { ops, type Value } from '@berth/graph';
import { cast, greater, ones, sum, type Rank, type Tensor1D } from '@tensorflow/tfjs-core';
import { numHits, weightedCrossEntropy } from '../../blocks/cross-entropy.ts';
import { crossEntropy } from '../../graph/blocks/cross-entropy.ts';
import type { GraphLoss, OutputLoss } from './output-loss.ts';

const columns = ['labels', 'labelWeights'] as const;

/** Cross-entropy of each example, weighted. */
export const classLoss: OutputLoss = {
  name: 'class_loss',
  columns,
  terms: ['classify'],
  sums: ['classifyLoss', 'classifyCorrect', 'labelWeight'],

  eager({ logits }, batch) {
    const [labels_B, weights_B] = columns.map((name) => batch.column(name)) as [Tensor1D, Tensor1D];
    return {
      classifyLoss: weightedCrossEntropy(logits!, labels_B, weights_B),
      classifyCorrect: numHits(logits!, labels_B, ones<Rank.R1>([batch.batchSize])),
      labelWeight: sum(weights_B),
    };
  },

  graph(logits_BC, [labels_B, weights_B], exampleWeights_B) {
    const { loss, correct, gradient_RC } = weighted(
      logits_BC,
      labels_B!,
      weights_B!,
      exampleWeights_B,
    );
    return { sums: [loss, correct, ops.sum(weights_B!, [0])], gradient_RC };
  },
};

/** Cross-entropy of each token that has a class, weighted. */
export const tagLoss: OutputLoss = {
  name: 'tag_loss',
  columns,
  terms: ['tag'],
  sums: ['tagLoss', 'tagCorrect', 'labelWeight', 'numLabelled'],

  eager({ logits }, batch) {
    const [labels_T, weights_T] = columns.map((name) => batch.column(name)) as [Tensor1D, Tensor1D];
    const isLabelled_T = cast<Tensor1D>(greater(weights_T, 0), 'float32');
    return {
      tagLoss: weightedCrossEntropy(logits!, labels_T, weights_T),
      tagCorrect: numHits(logits!, labels_T, isLabelled_T),
      labelWeight: sum(weights_T),
      numLabelled: sum(isLabelled_T),
    };
  },

  graph(logits_TC, of) {
    const [labels_T, weights_T] = of.map((column) => ops.reshape(column, [-1])) as [Value, Value];
    const isLabelled_T = ops.cast(ops.greater(weights_T, 0), 'float32');
    const { loss, correct, gradient_RC } = weighted(logits_TC, labels_T, weights_T, isLabelled_T);
    const [labelWeight, numLabelled] = [weights_T, isLabelled_T].map((row) => ops.sum(row, [0]));
    return { sums: [loss, correct, labelWeight!, numLabelled!], gradient_RC };
  },
};

/** @param counts_R - what a row counts in the number of correct ones, whose classes may have weights */
function weighted(
  logits_RC: Value,
  labels_R: Value,
  weights_R: Value,
  counts_R: Value,
): Pick<GraphLoss, 'gradient_RC'> & { readonly loss: Value; readonly correct: Value } {
  const { loss, isHit_R, gradient_RC } = crossEntropy(logits_RC, labels_R, weights_R);
  return {
    loss,
    correct: ops.sum(ops.mul(isHit_R, counts_R), [0]),
    gradient_RC: ([scale]) =>
      ops.mul(gradient_RC, ops.reshape(ops.mul(weights_R, scale!), [-1, 1])),
  };
}
