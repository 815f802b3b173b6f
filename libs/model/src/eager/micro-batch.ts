import type { ExampleBatch, ModelConfig, ParameterSpec } from '@berth/contracts';
import {
  dispose,
  keep,
  tidy,
  valueAndGrads,
  type Tensor,
  type Tensor1D,
} from '@tensorflow/tfjs-core';
import { uploadBatch } from './batch-tensors.ts';
import { bertForPretraining } from '../bert.ts';
import type { DropoutMasks } from './dropout.ts';
import { concatFlat } from './flat-tensors.ts';
import { pretrainingLoss, stepSumsOf, type LossScales } from '../tasks/pretraining/losses.ts';
import { namedWeights } from '../parameters/weights.ts';

/** A model with its weights, in layout order. */
export interface Model {
  readonly config: ModelConfig;
  readonly layout: readonly ParameterSpec[];
  readonly weights: readonly Tensor[];
}

/** Forward and backward over one batch: the flat gradient of the scaled loss, then the step sums. The caller disposes it. */
export function batchGradient(
  { config, layout, weights }: Model,
  examples: ExampleBatch,
  scales: LossScales,
  dropout: DropoutMasks,
): Tensor1D {
  return tidy(() => {
    const batch = uploadBatch(examples);
    const sums: Tensor1D[] = [];
    const scaledLoss = (...tensors: Tensor[]) => {
      const named = namedWeights(layout, tensors);
      const outputs = bertForPretraining({ config, weights: named, batch, dropout });
      const loss = pretrainingLoss(outputs, batch, scales);
      sums.push(keep(stepSumsOf(outputs, batch, loss, examples)));
      return loss.total;
    };
    const { grads } = valueAndGrads(scaledLoss)([...weights]);
    const flat = concatFlat([...grads, ...sums]);
    dispose(sums);
    return flat;
  });
}

/** Forward over one batch, nothing dropped: its step sums. The caller disposes them. */
export function batchSums({ config, layout, weights }: Model, examples: ExampleBatch): Tensor1D {
  return tidy(() => {
    const batch = uploadBatch(examples);
    const named = namedWeights(layout, weights);
    const outputs = bertForPretraining({ config, weights: named, batch });
    const loss = pretrainingLoss(outputs, batch, { maskedLm: 1, nextSentence: 1 });
    return stepSumsOf(outputs, batch, loss, examples);
  });
}
