// Shapes: B examples, C classes.
import { ops, type Value } from '@berth/graph';
import {
  abs,
  add,
  cast,
  equal,
  exp,
  greater,
  log1p,
  mean,
  min,
  mul,
  neg,
  relu,
  reshape,
  sigmoid,
  sub,
  sum,
  type Rank,
  type Scalar,
  type Tensor1D,
  type Tensor2D,
} from '@tensorflow/tfjs-core';
import { withGradient } from '../../blocks/with-gradient.ts';
import type { OutputLoss } from './output-loss.ts';

/** Binary cross-entropy of each class, w (max(x, 0) - x y + log(1 + e^-|x|)), the mean over those of an example. */
export const classesLoss: OutputLoss = {
  name: 'classes_loss',
  columns: ['labels', 'labelWeights'],
  terms: ['classify'],
  sums: ['classifyLoss', 'classifyCorrect'],

  eager({ logits }, batch) {
    const logits_BC = logits!;
    const [labels_BC, weights_BC] = ['labels', 'labelWeights'].map((name) =>
      reshape<Rank.R2>(batch.column(name), logits_BC.shape),
    ) as [Tensor2D, Tensor2D];
    const isRight_BC = equal(cast(greater(logits_BC, 0), 'float32'), labels_BC);
    return {
      classifyLoss: binaryCrossEntropy(logits_BC, labels_BC, weights_BC),
      classifyCorrect: sum(min<Tensor1D>(cast(isRight_BC, 'float32'), 1)),
    };
  },

  graph(logits_BC, [labels_BC, weights_BC], exampleWeights_B) {
    const [numExamples = 0, numClasses = 0] = logits_BC.shape;
    const size_BC = ops.maximum(logits_BC, ops.neg(logits_BC));
    const certain_BC = ops.sub(ops.maximum(logits_BC, 0), ops.mul(logits_BC, labels_BC!));
    const entropy_BC = ops.add(certain_BC, ops.log1p(ops.exp(ops.neg(size_BC))));
    const loss_BC = ops.mul(entropy_BC, weights_BC!);
    const isYes_BC = ops.cast(ops.greater(logits_BC, 0), 'float32');
    const isRight_BC = ops.cast(ops.equal(isYes_BC, labels_BC!), 'float32');
    const counted = (perExample_B: Value): Value =>
      ops.sum(ops.mul(perExample_B, exampleWeights_B), [0]);
    return {
      sums: [counted(ops.mean(loss_BC, [1])), counted(ops.min(isRight_BC, [1]))],
      gradient_RC([scale]) {
        const probability_BC = ops.div(1, ops.add(ops.exp(ops.neg(logits_BC)), 1));
        const rowScale_B = ops.mul(ops.mul(exampleWeights_B, scale!), 1 / numClasses);
        return ops.mul(
          ops.mul(ops.sub(probability_BC, labels_BC!), weights_BC!),
          ops.reshape(rowScale_B, [numExamples, 1]),
        );
      },
    };
  },
};

function binaryCrossEntropy(
  logits_BC: Tensor2D,
  labels_BC: Tensor2D,
  weights_BC: Tensor2D,
): Scalar {
  return withGradient(
    [logits_BC],
    () => {
      const certain_BC = sub(relu(logits_BC), mul(logits_BC, labels_BC));
      const entropy_BC = add(certain_BC, log1p(exp(neg(abs(logits_BC)))));
      const loss_BC = mul(entropy_BC, weights_BC);
      return { output: sum<Scalar>(mean(loss_BC, 1)), saved: [logits_BC, labels_BC, weights_BC] };
    },
    (dy, [logits, labels, weights]) => [
      mul(mul(sub(sigmoid(logits), labels), weights), mul(dy, 1 / (logits.shape[1] ?? 1))),
    ],
  );
}
