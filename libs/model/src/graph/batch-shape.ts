import { BerthError, type ExampleBatch } from '@berth/contracts';

/** The static shape of a compiled step. */
export interface BatchShape {
  /** Examples of a forward pass; smaller batches are filled up with examples of weight 0. */
  readonly batchSize: number;
  readonly seqLength: number;
  readonly numPredictions: number;
}

/**
 * A batch filled up to the shape with empty examples behind its own, so that no element of its own moves.
 * @throws BerthError `INTERNAL` when it does not fit
 */
export function fillUp(batch: ExampleBatch, shape: BatchShape): ExampleBatch {
  const { batchSize: B, seqLength: S, numPredictions: P } = shape;
  if (batch.seqLength !== S || batch.numPredictions !== P || batch.batchSize > B) {
    const text = ({ batchSize, seqLength, numPredictions }: BatchShape): string =>
      `${batchSize} x ${seqLength} tokens x ${numPredictions} predictions`;
    throw new BerthError(
      'INTERNAL',
      `a batch of ${text(batch)} was given to a graph compiled for ${text(shape)}`,
    );
  }
  if (batch.batchSize === B) return batch;
  const filled = (values: Int32Array, length: number): Int32Array => {
    const all = new Int32Array(length);
    all.set(values);
    return all;
  };
  const maskedWeights = new Float32Array(B * P);
  maskedWeights.set(batch.maskedWeights);
  return {
    batchSize: B,
    seqLength: S,
    numPredictions: P,
    inputIds: filled(batch.inputIds, B * S),
    inputMask: filled(batch.inputMask, B * S),
    segmentIds: filled(batch.segmentIds, B * S),
    maskedPositions: filled(batch.maskedPositions, B * P),
    maskedIds: filled(batch.maskedIds, B * P),
    maskedWeights,
    nextSentenceLabels: filled(batch.nextSentenceLabels, B),
  };
}

/** Cuts a batch into pieces of at most `size` examples. */
export function cutBatch(batch: ExampleBatch, size: number): ExampleBatch[] {
  const { batchSize: B, seqLength: S, numPredictions: P } = batch;
  return Array.from({ length: Math.ceil(B / size) }, (_, piece) => {
    const from = piece * size;
    const to = Math.min(B, from + size);
    return {
      ...batch,
      batchSize: to - from,
      inputIds: batch.inputIds.subarray(from * S, to * S),
      inputMask: batch.inputMask.subarray(from * S, to * S),
      segmentIds: batch.segmentIds.subarray(from * S, to * S),
      maskedPositions: batch.maskedPositions.subarray(from * P, to * P),
      maskedIds: batch.maskedIds.subarray(from * P, to * P),
      maskedWeights: batch.maskedWeights.subarray(from * P, to * P),
      nextSentenceLabels: batch.nextSentenceLabels.subarray(from, to),
    };
  });
}
