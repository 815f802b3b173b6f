import type { BatchShape, ExampleBatch } from '@berth/contracts';

export interface SyntheticShape extends BatchShape {
  readonly vocabSize: number;
  /** Tokens of the shortest example, as a share of the longest; the others lie evenly between. */
  readonly shortestRatio: number;
}

/** A batch of made-up token ids, always the same: time does not depend on what they say. */
export function syntheticBatch(shape: SyntheticShape): ExampleBatch {
  const { batchSize: B, maxSeqLength: S, maxPredictions: P, vocabSize } = shape;
  const id = (index: number): number =>
    5 + ((Math.imul(index + 1, 0x9e3779b1) >>> 0) % (vocabSize - 5));
  const lengthOf = (row: number): number =>
    Math.round(S * (1 - ((1 - shape.shortestRatio) * row) / Math.max(1, B - 1)));
  const inputMask = Int32Array.from({ length: B * S }, (_, index) =>
    Number(index % S < lengthOf(Math.floor(index / S))),
  );
  return {
    batchSize: B,
    seqLength: S,
    columns: {
      inputIds: inputMask.map((mask, index) => mask * id(index)),
      inputMask,
      segmentIds: inputMask.map((mask, index) => (mask === 1 && index % S >= S / 4 ? 1 : 0)),
      maskedPositions: Int32Array.from({ length: B * P }, (_, slot) =>
        Math.floor(((slot % P) * lengthOf(Math.floor(slot / P))) / P),
      ),
      maskedIds: Int32Array.from({ length: B * P }, (_, slot) => id(7 * slot)),
      maskedWeights: new Float32Array(B * P).fill(1),
      nextSentenceLabels: Int32Array.from({ length: B }, (_, row) => row % 2),
    },
  };
}
