// Shapes: B examples.
import { ops } from '@berth/graph';
import { reshape, square, sub, sum, type Rank } from '@tensorflow/tfjs-core';
import type { OutputLoss } from './output-loss.ts';

/** The squared error of each example's only output. */
export const squaredLoss: OutputLoss = {
  name: 'squared_loss',
  columns: ['targets'],
  terms: ['regress'],
  sums: ['squaredError'],

  eager({ logits }, batch) {
    const error_B = sub(reshape<Rank.R1>(logits!, [batch.batchSize]), batch.column('targets'));
    return { squaredError: sum(square(error_B)) };
  },

  graph(logits_B1, [targets_B], exampleWeights_B) {
    const error_B = ops.sub(ops.reshape(logits_B1, targets_B!.shape), targets_B!);
    const counted_B = ops.mul(error_B, exampleWeights_B);
    return {
      sums: [ops.sum(ops.mul(error_B, counted_B), [0])],
      gradient_RC: ([scale]) =>
        ops.reshape(ops.mul(ops.mul(counted_B, 2), scale!), logits_B1.shape),
    };
  },
};
