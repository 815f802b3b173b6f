// Shapes: B examples or sequences, H hidden, C classes.
import type { ModelConfig } from '@berth/contracts';
import { ops, type Value } from '@berth/graph';
import { ones, type Rank, type Scalar, type Tensor2D } from '@tensorflow/tfjs-core';
import { pool, type ForwardContext } from '../bert.ts';
import { linearTransposed } from '../blocks/linear.ts';
import { numHits, weightedCrossEntropy } from '../blocks/cross-entropy.ts';
import type { BatchTensors } from '../eager/batch-tensors.ts';
import { firstRows, kernelGradient, type Gradients } from '../graph/encoder.ts';
import {
  callBlock,
  column,
  matrix,
  rowsAt,
  weight,
  type StepContext,
} from '../graph/step-context.ts';
import type { NamedShape } from '../parameters/named-shapes.ts';
import type { HeadGradient } from '../tasks/task-model.ts';
import { poolerForward } from './pooler.ts';

/** What a pooled classifier adds to sums. */
export interface ClassSums<T> {
  readonly loss: T;
  /** Examples whose largest logit is their label's. */
  readonly hits: T;
}

/** The forward pass of a pooled classifier in the graph. */
export interface ClassPass {
  /** float32 */
  logits(): Value;
  sums(): ClassSums<Value>;
  backward(
    scale: Value,
    gradients: Gradients,
  ): { readonly sums: ClassSums<Value>; readonly hidden: HeadGradient['hidden'][number] };
}

/** Columns of the tokens that are classified, and of what each weighs, where these are not the first of the examples. */
export interface ClassifiedTokens {
  readonly positions: string;
  readonly weights: string;
}

/** Classifies examples, or sequences, by their first token: pooler, then logits and their cross-entropy. */
export interface PooledClassifier {
  shapes(config: ModelConfig): readonly NamedShape[];
  logits(context: ForwardContext, sequence_TH: Tensor2D): Tensor2D;
  sums(logits_BC: Tensor2D, batch: BatchTensors): ClassSums<Scalar>;
  forward(context: StepContext, hidden_TH: Value): ClassPass;
}

/**
 * @param scope - of its parameters `output_weights` and `output_bias`
 * @param labels - the column of the classes
 * @param tokens - @defaultValue the first of each example
 */
export function pooledClassifier(
  scope: string,
  labels: string,
  numClasses: number,
  tokens?: ClassifiedTokens,
): PooledClassifier {
  const weightsName = `${scope}/output_weights`;
  const biasName = `${scope}/output_bias`;
  return {
    shapes: ({ hiddenSize: H }) => [
      [weightsName, [numClasses, H]],
      [biasName, [numClasses]],
    ],

    logits: (context, sequence_TH) =>
      linearTransposed(
        pool(context, sequence_TH, tokens && context.batch.rowsAt(tokens.positions)),
        context.weights.matrix(weightsName),
        context.weights.vector(biasName),
      ),

    sums(logits_BC, batch) {
      const labels_B = batch.column(labels);
      const weights_B =
        tokens === undefined ? ones<Rank.R1>([batch.batchSize]) : batch.column(tokens.weights);
      return {
        loss: weightedCrossEntropy(logits_BC, labels_B, weights_B),
        hits: numHits(logits_BC, labels_B, weights_B),
      };
    },

    forward(context, hidden_TH) {
      const rows = tokens === undefined ? firstRows(context) : rowsAt(context, tokens.positions);
      const pooler = poolerForward(context, ops.gatherRows(hidden_TH, rows));
      const { pooled_BH } = pooler;
      const logits = ops.matMul(pooled_BH, matrix(context, weightsName), { right: true });
      const bias = weight(context, biasName);
      const [labels_B, weights_B] =
        tokens === undefined
          ? [column(context, labels), context.exampleWeights_B]
          : [flatColumn(context, labels), flatColumn(context, tokens.weights)];
      return {
        logits: () => ops.add(ops.cast(logits, 'float32'), bias),
        sums() {
          const args = [logits, bias, labels_B, weights_B];
          const [loss, hits] = callBlock(context, 'cross_entropy_sums', ...args) as [Value, Value];
          return { loss, hits };
        },
        backward(scale, gradients) {
          const args = [logits, bias, labels_B, weights_B, scale];
          const [loss, hits, dLogits, dBias] = callBlock(context, 'cross_entropy', ...args) as [
            Value,
            Value,
            Value,
            Value,
          ];
          gradients.set(biasName, dBias);
          gradients.set(weightsName, kernelGradient(dLogits, pooled_BH));
          const dPooled_BH = ops.matMul(dLogits, matrix(context, weightsName));
          const gradient = pooler.backward(dPooled_BH, gradients);
          return { sums: { loss, hits }, hidden: { rows, gradient } };
        },
      };
    },
  };
}

function flatColumn(context: StepContext, name: string): Value {
  return ops.reshape(column(context, name), [-1]);
}
