// Shapes: B examples, S tokens, P prediction slots; T = B S, R = B P, K dropout sites.
import type { ExampleBatch } from '@berth/contracts';
import { ops, type Graph, type TensorData, type Value } from '@berth/graph';
import type { BatchShape } from './batch-shape.ts';
import { fillUp } from './batch-shape.ts';

/** What a forward pass is fed, as placeholders; rows index the [T, H] hidden states. */
export interface BatchInputs {
  readonly inputIds_T: Value;
  readonly inputMask_BS: Value;
  readonly segmentIds_T: Value;
  readonly maskedRows_R: Value;
  readonly maskedIds_R: Value;
  readonly maskedWeights_R: Value;
  readonly nextSentenceLabels_B: Value;
  /** 1 for real examples, 0 for those that fill up the batch. */
  readonly exampleWeights_B: Value;
}

export function batchInputs(graph: Graph, shape: BatchShape): BatchInputs {
  const { batchSize: B, seqLength: S, numPredictions: P } = shape;
  const int32 = (name: string, dimensions: readonly number[]): Value =>
    graph.placeholder(name, { dtype: 'int32', shape: dimensions });
  const float32 = (name: string, dimensions: readonly number[]): Value =>
    graph.placeholder(name, { dtype: 'float32', shape: dimensions });
  return {
    inputIds_T: int32('inputIds_T', [B * S]),
    inputMask_BS: int32('inputMask_BS', [B, S]),
    segmentIds_T: int32('segmentIds_T', [B * S]),
    maskedRows_R: int32('maskedRows_R', [B * P]),
    maskedIds_R: int32('maskedIds_R', [B * P]),
    maskedWeights_R: float32('maskedWeights_R', [B * P]),
    nextSentenceLabels_B: int32('nextSentenceLabels_B', [B]),
    exampleWeights_B: float32('exampleWeights_B', [B]),
  };
}

/** The elements to feed for a batch, which may be smaller than the shape. */
export function batchData(
  batch: ExampleBatch,
  shape: BatchShape,
): Record<keyof BatchInputs, TensorData> {
  const { batchSize: B, seqLength: S, numPredictions: P } = shape;
  const full = fillUp(batch, shape);
  return {
    inputIds_T: full.inputIds,
    inputMask_BS: full.inputMask,
    segmentIds_T: full.segmentIds,
    maskedRows_R: full.maskedPositions.map((position, slot) => Math.floor(slot / P) * S + position),
    maskedIds_R: full.maskedIds,
    maskedWeights_R: full.maskedWeights,
    nextSentenceLabels_B: full.nextSentenceLabels,
    exampleWeights_B: Float32Array.from({ length: B }, (_, row) => Number(row < batch.batchSize)),
  };
}

/** 0 for tokens, -10000 for padding keys. */
export function attentionMask({ inputMask_BS }: BatchInputs): Value {
  const [B = 0, S = 0] = inputMask_BS.shape;
  const mask = ops.reshape(ops.cast(inputMask_BS, 'float32'), [B, 1, 1, S]);
  return ops.mul(ops.sub(1, mask), -10_000);
}
