// Shapes: R rows, C classes; _R1 is one value a row.
import { ops, type Value } from '@berth/graph';

interface CrossEntropy {
  /** sum_r weight[r] * -log softmax(logits[r])[label[r]] */
  readonly loss: Value;
  /** sum_r weight[r] where the largest logit is the label's. */
  readonly hits: Value;
  /** 1 where it is, else 0. */
  readonly isHit_R: Value;
  /** Of `loss` by the logits, for a row's weight of 1. */
  readonly gradient_RC: Value;
}

/** Cross-entropy of float32 logits; labels are int32. */
export function crossEntropy(logits_RC: Value, labels_R: Value, weights_R: Value): CrossEntropy {
  const { scope, shape } = logits_RC;
  const [numRows = 0, numClasses = 0] = shape;
  const classes_1C = ops.reshape(ops.range(scope, numClasses), [1, numClasses]);
  const isLabel_RC = ops.equal(ops.reshape(labels_R, [numRows, 1]), classes_1C);
  const largest_R1 = ops.max(logits_RC, [1], true);
  const powers_RC = ops.exp(ops.sub(logits_RC, largest_R1));
  const total_R1 = ops.sum(powers_RC, [1], true);
  const labelLogit_R = ops.sum(ops.select(isLabel_RC, logits_RC, 0), [1]);
  const logTotal_R = ops.reshape(ops.add(ops.log(total_R1), largest_R1), [numRows]);
  // Of equal largest logits the first counts, as with ArgMax.
  const isLargest_RC = ops.equal(logits_RC, largest_R1);
  const first_R = ops.min(ops.select(isLargest_RC, classes_1C, numClasses), [1]);
  const isHit_R = ops.cast(ops.equal(first_R, labels_R), 'float32');
  return {
    loss: ops.sum(ops.mul(ops.sub(logTotal_R, labelLogit_R), weights_R), [0]),
    hits: ops.sum(ops.mul(isHit_R, weights_R), [0]),
    isHit_R,
    gradient_RC: ops.sub(ops.div(powers_RC, total_R1), ops.cast(isLabel_RC, 'float32')),
  };
}
