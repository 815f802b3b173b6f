import type { ExampleBatch, GradientRequest, RankExamples, TrainingState } from '@berth/contracts';
import { goldenBatch, goldenFlat } from './golden.ts';

/** A step of one virtual rank with one micro-batch, scaled as if it were the whole step. */
export function wholeStep(step: number, batch: ExampleBatch): GradientRequest {
  const weight = batch.maskedWeights.reduce((total, value) => total + value, 0);
  return {
    step,
    block: { start: 0, length: 1 },
    ranks: [{ virtualRank: 0, microBatches: [batch] }],
    maskedLmScale: 1 / (weight + 1e-5),
    nextSentenceScale: 1 / batch.batchSize,
  };
}

/** A block whose virtual rank v holds the golden batch v. */
export function goldenBlock(start: number, length: number): GradientRequest {
  const ranks = Array.from({ length }, (_, index): RankExamples => {
    const virtualRank = start + index;
    return { virtualRank, microBatches: [goldenBatch(virtualRank)] };
  });
  return {
    step: 5,
    block: { start, length },
    ranks,
    maskedLmScale: 1 / 20,
    nextSentenceScale: 1 / 16,
  };
}

/** The golden weights, nothing applied yet. */
export function goldenState(): TrainingState {
  const weights = goldenFlat('model-micro.safetensors');
  return {
    step: 0,
    weights,
    firstMoments: new Float32Array(weights.length),
    secondMoments: new Float32Array(weights.length),
  };
}

/** Examples [from, to) of a batch. */
export function sliceBatch(batch: ExampleBatch, from: number, to: number): ExampleBatch {
  const { seqLength: S, numPredictions: P } = batch;
  return {
    ...batch,
    batchSize: to - from,
    inputIds: batch.inputIds.slice(from * S, to * S),
    inputMask: batch.inputMask.slice(from * S, to * S),
    segmentIds: batch.segmentIds.slice(from * S, to * S),
    maskedPositions: batch.maskedPositions.slice(from * P, to * P),
    maskedIds: batch.maskedIds.slice(from * P, to * P),
    maskedWeights: batch.maskedWeights.slice(from * P, to * P),
    nextSentenceLabels: batch.nextSentenceLabels.slice(from, to),
  };
}

/** The same examples with more padding. */
export function padBatch(batch: ExampleBatch, seqLength: number): ExampleBatch {
  const { batchSize, seqLength: S } = batch;
  const pad = (values: Int32Array) => {
    const padded = new Int32Array(batchSize * seqLength);
    for (let row = 0; row < batchSize; row++)
      padded.set(values.subarray(row * S, (row + 1) * S), row * seqLength);
    return padded;
  };
  return {
    ...batch,
    seqLength,
    inputIds: pad(batch.inputIds),
    inputMask: pad(batch.inputMask),
    segmentIds: pad(batch.segmentIds),
  };
}
