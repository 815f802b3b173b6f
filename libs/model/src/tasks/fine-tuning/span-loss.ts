// Shapes: B examples, S tokens, T = B S.
import { ops, type Value } from '@berth/graph';
import {
  cast,
  less,
  minimum,
  reshape,
  sum,
  transpose,
  unstack,
  type Scalar,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
} from '@tensorflow/tfjs-core';
import { numHits, weightedCrossEntropy } from '../../blocks/cross-entropy.ts';
import { crossEntropy } from '../../graph/blocks/cross-entropy.ts';
import type { OutputLoss } from './output-loss.ts';

/** Cross-entropy of each example's first and last token of the answer among all its tokens. */
export const spanLoss: OutputLoss = {
  name: 'span_loss',
  columns: ['startPositions', 'endPositions'],
  terms: ['start', 'end'],
  sums: ['startLoss', 'startCorrect', 'numStarts', 'endLoss', 'endCorrect', 'numEnds'],

  outputs: {
    eager(logits_T2, batchSize) {
      const [start_T, end_T] = unstack(transpose(logits_T2)) as [Tensor, Tensor];
      const shape: [number, number] = [batchSize, -1];
      return { startLogits: reshape(start_T, shape), endLogits: reshape(end_T, shape) };
    },
    graph(logits_T2, batchSize) {
      const [startLogits, endLogits] = edgesOf(logits_T2, batchSize);
      return { startLogits, endLogits };
    },
  },

  eager({ startLogits, endLogits }, batch) {
    const [startLoss, startCorrect, numStarts] = edgeSums(
      startLogits!,
      batch.column('startPositions'),
    );
    const [endLoss, endCorrect, numEnds] = edgeSums(endLogits!, batch.column('endPositions'));
    return { startLoss, startCorrect, numStarts, endLoss, endCorrect, numEnds };
  },

  graph(logits_T2, positions, exampleWeights_B) {
    const [numExamples = 0] = exampleWeights_B.shape;
    const edges = edgesOf(logits_T2, numExamples).map((logits_BS, index) => {
      const numTokens = logits_BS.shape[1] ?? 0;
      const isInside_B = ops.cast(ops.greater(numTokens, positions[index]!), 'float32');
      const weights_B = ops.mul(isInside_B, exampleWeights_B);
      return { ...crossEntropy(logits_BS, positions[index]!, weights_B), weights_B };
    });
    return {
      sums: edges.flatMap(({ loss, hits, weights_B }) => [loss, hits, ops.sum(weights_B, [0])]),
      gradient_RC(scales) {
        const parts = edges.map(({ gradient_RC, weights_B }, index) =>
          ops.mul(gradient_RC, ops.reshape(ops.mul(weights_B, scales[index]!), [-1, 1])),
        );
        return ops.reshape(ops.transpose(ops.stack(parts), [1, 2, 0]), logits_T2.shape);
      },
    };
  },
};

/** The logits of first and of last tokens: [B, S] each. */
function edgesOf(logits_T2: Value, batchSize: number): [start_BS: Value, end_BS: Value] {
  const edges = ops
    .unstack(ops.transpose(logits_T2, [1, 0]))
    .map((edge_T) => ops.reshape(edge_T, [batchSize, -1]));
  return edges as [Value, Value];
}

function edgeSums(
  logits_BS: Tensor2D,
  positions_B: Tensor1D,
): [loss: Scalar, correct: Scalar, count: Scalar] {
  const numTokens = logits_BS.shape[1];
  const weights_B = cast<Tensor1D>(less(positions_B, numTokens), 'float32');
  const inside_B = cast<Tensor1D>(minimum(positions_B, numTokens - 1), 'int32');
  return [
    weightedCrossEntropy(logits_BS, inside_B, weights_B),
    numHits(logits_BS, inside_B, weights_B),
    sum(weights_B),
  ];
}
