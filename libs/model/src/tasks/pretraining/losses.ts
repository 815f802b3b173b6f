// Shapes: R prediction slots, V vocabulary, B examples.
import { stepSumNames, type ExampleBatch, type StepSums } from '@berth/contracts';
import {
  add,
  argMax,
  cast,
  equal,
  mul,
  ones,
  scalar,
  stack,
  sum,
  type Scalar,
  type Tensor1D,
  type Tensor2D,
} from '@tensorflow/tfjs-core';
import type { BatchTensors } from '../../eager/batch-tensors.ts';
import type { BertOutputs } from '../../bert.ts';
import { weightedCrossEntropy } from '../../blocks/cross-entropy.ts';

/** What one loss is multiplied by before it enters the total. */
export interface LossScales {
  /** 1 / (prediction weights of the whole step + 1e-5) */
  readonly maskedLm: number;
  /** 1 / (examples of the whole step) */
  readonly nextSentence: number;
}

export interface PretrainingLoss {
  /** Unscaled sums. */
  readonly maskedLm: Scalar;
  readonly nextSentence: Scalar;
  /** maskedLm * scale + nextSentence * scale: what is differentiated. */
  readonly total: Scalar;
}

/** Masked LM plus next sentence cross-entropy (data-and-model.md A4). */
export function pretrainingLoss(
  outputs: BertOutputs,
  batch: BatchTensors,
  scales: LossScales,
): PretrainingLoss {
  const maskedLm = weightedCrossEntropy(
    outputs.maskedLmLogits_RV,
    batch.maskedIds_R,
    batch.maskedWeights_R,
  );
  const nextSentence = weightedCrossEntropy(
    outputs.nextSentenceLogits_B2,
    batch.nextSentenceLabels_B,
    ones([batch.batchSize]),
  );
  const total = add<Scalar>(mul(maskedLm, scales.maskedLm), mul(nextSentence, scales.nextSentence));
  return { maskedLm, nextSentence, total };
}

/** The step sums of one batch, in the order of `stepSumNames`. */
export function stepSumsOf(
  outputs: BertOutputs,
  batch: BatchTensors,
  loss: PretrainingLoss,
  examples: ExampleBatch,
): Tensor1D {
  const { maskedIds_R, maskedWeights_R, nextSentenceLabels_B } = batch;
  const maskedLmHits_R = hits(outputs.maskedLmLogits_RV, maskedIds_R);
  const sums: Record<keyof StepSums, Scalar> = {
    maskedLmLoss: loss.maskedLm,
    maskedLmCorrect: sum(mul(maskedLmHits_R, maskedWeights_R)),
    maskedWeight: sum(maskedWeights_R),
    nextSentenceLoss: loss.nextSentence,
    nextSentenceCorrect: sum(hits(outputs.nextSentenceLogits_B2, nextSentenceLabels_B)),
    numExamples: scalar(examples.batchSize),
    numTokens: scalar(examples.inputMask.reduce((total, mask) => total + mask, 0)),
  };
  return stack(stepSumNames.map((name) => sums[name])) as Tensor1D;
}

/** 1 where a row's largest logit is its label's. */
function hits(logits_RC: Tensor2D, labels_R: Tensor1D): Tensor1D {
  return cast(equal(argMax(logits_RC, 1), labels_R), 'float32');
}
