// Shapes: R rows, C classes.
import {
  argMax,
  cast,
  equal,
  mul,
  reshape,
  sum,
  type Scalar,
  type Tensor1D,
  type Tensor2D,
} from '@tensorflow/tfjs-core';
import { sparseSoftmaxCrossEntropy } from '../native-ops.ts';
import { withGradient } from './with-gradient.ts';

/** sum_r weight[r] * -log softmax(logits[r])[label[r]]; labels are int32. No one-hot matrix is made. */
export function weightedCrossEntropy(
  logits_RC: Tensor2D,
  labels_R: Tensor1D,
  weights_R: Tensor1D,
): Scalar {
  return withGradient(
    [logits_RC],
    () => {
      const { loss_R, gradient_RC } = sparseSoftmaxCrossEntropy(logits_RC, labels_R);
      return { output: sum<Scalar>(mul(loss_R, weights_R)), saved: [gradient_RC, weights_R] };
    },
    (dy, [gradient_RC, weights_R]) => [mul(gradient_RC, reshape(mul(weights_R, dy), [-1, 1]))],
  );
}

/** sum_r weight[r] where the largest logit is the label's. */
export function numHits(logits_RC: Tensor2D, labels_R: Tensor1D, weights_R: Tensor1D): Scalar {
  return sum(mul(cast(equal(argMax(logits_RC, 1), labels_R), 'float32'), weights_R));
}
