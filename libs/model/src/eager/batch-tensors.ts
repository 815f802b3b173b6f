// Shapes: B examples, S tokens, P prediction slots; T = B S, R = B P.
import type { ExampleBatch } from '@berth/contracts';
import { tensor1d, tensor4d, type Tensor1D, type Tensor4D } from '@tensorflow/tfjs-core';

/** A batch on the device, in the form the model reads it; rows index the [T, H] hidden states. */
export interface BatchTensors {
  readonly batchSize: number;
  readonly seqLength: number;
  readonly inputIds_T: Tensor1D;
  readonly segmentIds_T: Tensor1D;
  /** Each token's position, 0 to S - 1. */
  readonly positionIds_T: Tensor1D;
  /** 0 for tokens, -10000 for padding. */
  readonly attentionBias_B11S: Tensor4D;
  readonly firstTokenRows_B: Tensor1D;
  readonly maskedRows_R: Tensor1D;
  readonly maskedIds_R: Tensor1D;
  readonly maskedWeights_R: Tensor1D;
  readonly nextSentenceLabels_B: Tensor1D;
}

/** Uploads a batch; dispose by running inside `tidy`. */
export function uploadBatch(batch: ExampleBatch): BatchTensors {
  const { batchSize: B, seqLength: S, numPredictions: P } = batch;
  const positionIds = Int32Array.from({ length: B * S }, (_, token) => token % S);
  const attentionBias = Float32Array.from(batch.inputMask, (mask) => (1 - mask) * -10_000);
  const firstTokenRows = Int32Array.from({ length: B }, (_, example) => example * S);
  const maskedRows = batch.maskedPositions.map(
    (position, slot) => Math.floor(slot / P) * S + position,
  );
  return {
    batchSize: B,
    seqLength: S,
    inputIds_T: tensor1d(batch.inputIds, 'int32'),
    segmentIds_T: tensor1d(batch.segmentIds, 'int32'),
    positionIds_T: tensor1d(positionIds, 'int32'),
    attentionBias_B11S: tensor4d(attentionBias, [B, 1, 1, S]),
    firstTokenRows_B: tensor1d(firstTokenRows, 'int32'),
    maskedRows_R: tensor1d(maskedRows, 'int32'),
    maskedIds_R: tensor1d(batch.maskedIds, 'int32'),
    maskedWeights_R: tensor1d(batch.maskedWeights),
    nextSentenceLabels_B: tensor1d(batch.nextSentenceLabels, 'int32'),
  };
}
