// Shapes: R rows, C classes, P = R C; _R1 is one value a row.
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
  const labels_R1 = ops.reshape(labels_R, [numRows, 1]);
  const largest_R1 = ops.max(logits_RC, [1], true);
  const largest_R = ops.reshape(largest_R1, [numRows]);
  const powers_RC = ops.exp(ops.sub(logits_RC, largest_R1));
  const total_R1 = ops.sum(powers_RC, [1], true);
  const logTotal_R = ops.reshape(ops.add(ops.log(total_R1), largest_R1), [numRows]);
  const labelPlaces_R = ops.add(ops.mul(ops.range(scope, numRows), numClasses), labels_R);
  const logits_P1 = ops.reshape(logits_RC, [numRows * numClasses, 1]);
  const labelLogit_R = ops.reshape(ops.gatherRows(logits_P1, labelPlaces_R), [numRows]);
  // Of equal largest logits the first counts, as with ArgMax.
  const isBefore_RC = ops.greater(labels_R1, classes_1C);
  const largestBefore_R = ops.max(ops.select(isBefore_RC, logits_RC, -Infinity), [1]);
  const isHit_R = ops.cast(
    ops.logicalAnd(ops.equal(labelLogit_R, largest_R), ops.greater(largest_R, largestBefore_R)),
    'float32',
  );
  return {
    loss: ops.sum(ops.mul(ops.sub(logTotal_R, labelLogit_R), weights_R), [0]),
    hits: ops.sum(ops.mul(isHit_R, weights_R), [0]),
    isHit_R,
    gradient_RC: ops.sub(
      ops.div(powers_RC, total_R1),
      ops.cast(ops.equal(labels_R1, classes_1C), 'float32'),
    ),
  };
}
