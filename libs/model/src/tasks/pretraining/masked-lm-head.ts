// Shapes: B examples, S tokens, P prediction slots, R = B P, H hidden, V vocabulary.
import type { ModelConfig } from '@berth/contracts';
import { ops, type Value } from '@berth/graph';
import type { Scalar, Tensor2D } from '@tensorflow/tfjs-core';
import { activate, dense, normalize, type ForwardContext } from '../../bert.ts';
import { numHits, weightedCrossEntropy } from '../../blocks/cross-entropy.ts';
import { gatherRows } from '../../blocks/gather-rows.ts';
import { linearTransposed } from '../../blocks/linear.ts';
import type { BatchTensors } from '../../eager/batch-tensors.ts';
import { kernelGradient, type Gradients } from '../../graph/encoder.ts';
import {
  callBlock,
  column,
  matrix,
  rowsAt,
  weight,
  type StepContext,
} from '../../graph/step-context.ts';
import type { ClassSums } from '../../heads/pooled-classifier.ts';
import { denseShapes, layerNormShapes, type NamedShape } from '../../parameters/named-shapes.ts';
import type { HeadGradient } from '../task-model.ts';

const words = 'bert/embeddings/word_embeddings';
const transform = 'cls/predictions/transform';
export const outputBias = 'cls/predictions/output_bias';

/** Transform and output bias; the decoder is the word table. */
export function maskedLmShapes(config: ModelConfig): readonly NamedShape[] {
  const { hiddenSize: H, vocabSize: V } = config;
  return [
    ...denseShapes(`${transform}/dense`, H, H),
    ...layerNormShapes(transform, H),
    [outputBias, [V]],
  ];
}

/** Logits of the masked positions only: [R, V]. */
export function maskedLmLogits(context: ForwardContext, sequence_TH: Tensor2D): Tensor2D {
  const { batch, weights } = context;
  const masked_RH = gatherRows(sequence_TH, batch.rowsAt('maskedPositions'));
  const active_RH = activate(context, dense(context, `${transform}/dense`, masked_RH));
  return linearTransposed(
    normalize(context, transform, active_RH),
    weights.matrix(words),
    weights.vector(outputBias),
  );
}

export function maskedLmSums(logits_RV: Tensor2D, batch: BatchTensors): ClassSums<Scalar> {
  const [ids_R, weights_R] = [batch.column('maskedIds'), batch.column('maskedWeights')];
  return {
    loss: weightedCrossEntropy(logits_RV, ids_R, weights_R),
    hits: numHits(logits_RV, ids_R, weights_R),
  };
}

/** The same in the graph. */
export class MaskedLmPass {
  readonly #context: StepContext;
  readonly #rows_R: Value;
  readonly #masked_RH: Value;
  readonly #transformed_RH: Value;
  readonly #output: readonly [hidden: Value, normal: Value, inverseStd: Value];
  /** Without their bias. */
  readonly #logits_RV: Value;

  constructor(context: StepContext, hidden_TH: Value) {
    this.#context = context;
    this.#rows_R = rowsAt(context, 'maskedPositions');
    this.#masked_RH = ops.gatherRows(hidden_TH, this.#rows_R);
    this.#transformed_RH = ops.matMul(
      this.#masked_RH,
      matrix(context, `${transform}/dense/kernel`),
    );
    this.#output = callBlock(
      context,
      'transform_forward',
      this.#transformed_RH,
      weight(context, `${transform}/dense/bias`),
      weight(context, `${transform}/LayerNorm/gamma`),
      weight(context, `${transform}/LayerNorm/beta`),
    ) as [Value, Value, Value];
    this.#logits_RV = ops.matMul(this.#output[0], matrix(context, words), { right: true });
  }

  /** float32 */
  logits(): Value {
    return ops.add(ops.cast(this.#logits_RV, 'float32'), weight(this.#context, outputBias));
  }

  sums(): ClassSums<Value> {
    const [loss, hits] = callBlock(
      this.#context,
      'cross_entropy_sums',
      ...this.#lossArguments(),
    ) as [Value, Value];
    return { loss, hits };
  }

  /** Adds the gradients of its own parameters. */
  backward(
    scale: Value,
    gradients: Gradients,
  ): { sums: ClassSums<Value>; hidden: HeadGradient['hidden'][number]; words_VH: Value } {
    const context = this.#context;
    const [hidden_RH, normal, inverseStd] = this.#output;
    const [loss, hits, dLogits, dOutputBias] = callBlock(
      context,
      'cross_entropy',
      ...this.#lossArguments(),
      scale,
    ) as [Value, Value, Value, Value];
    gradients.set(outputBias, dOutputBias);
    const [dTransformed, dGamma, dBeta, dBias] = callBlock(
      context,
      'transform_backward',
      ops.matMul(dLogits, matrix(context, words)),
      this.#transformed_RH,
      weight(context, `${transform}/dense/bias`),
      normal,
      inverseStd,
      weight(context, `${transform}/LayerNorm/gamma`),
    ) as [Value, Value, Value, Value];
    gradients.set(`${transform}/LayerNorm/gamma`, dGamma);
    gradients.set(`${transform}/LayerNorm/beta`, dBeta);
    gradients.set(`${transform}/dense/bias`, dBias);
    gradients.set(`${transform}/dense/kernel`, kernelGradient(this.#masked_RH, dTransformed));
    const kernel = matrix(context, `${transform}/dense/kernel`);
    return {
      sums: { loss, hits },
      hidden: { rows: this.#rows_R, gradient: ops.matMul(dTransformed, kernel, { right: true }) },
      words_VH: kernelGradient(dLogits, hidden_RH),
    };
  }

  #lossArguments(): Value[] {
    const bias = weight(this.#context, outputBias);
    const [ids, weights] = ['maskedIds', 'maskedWeights'].map((name) =>
      ops.reshape(column(this.#context, name), [-1]),
    ) as [Value, Value];
    return [this.#logits_RV, bias, ids, weights];
  }
}
