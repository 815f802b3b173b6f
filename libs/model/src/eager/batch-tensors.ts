// Shapes: B examples, S tokens; T = B S.
import { columnOf, type ExampleBatch } from '@berth/contracts';
import { tensor1d, tensor4d, type Tensor1D, type Tensor4D } from '@tensorflow/tfjs-core';

/** A batch on the device, in the form the model reads it; rows index the [T, H] hidden states. */
export interface BatchTensors {
  readonly batchSize: number;
  readonly seqLength: number;
  /** A column, end to end. */
  column(name: string): Tensor1D;
  /** Each token's position, 0 to S - 1. */
  readonly positionIds_T: Tensor1D;
  /** 0 for tokens, -10000 for padding. */
  readonly attentionBias_B11S: Tensor4D;
  readonly firstTokenRows_B: Tensor1D;
}

/** Uploads a batch; dispose by running inside `tidy`. */
export function uploadBatch(batch: ExampleBatch): BatchTensors {
  const { batchSize: B, seqLength: S } = batch;
  const columns = new Map(
    Object.entries(batch.columns).map(([name, data]) => [
      name,
      tensor1d(data, data instanceof Int32Array ? 'int32' : 'float32'),
    ]),
  );
  const positionIds = Int32Array.from({ length: B * S }, (_, token) => token % S);
  const attentionBias = Float32Array.from(
    columnOf(batch, 'inputMask'),
    (mask) => (1 - mask) * -10_000,
  );
  const firstTokenRows = Int32Array.from({ length: B }, (_, example) => example * S);
  return {
    batchSize: B,
    seqLength: S,
    column(name) {
      const column = columns.get(name);
      if (column === undefined) throw new RangeError(`the batch has no column ${name}`);
      return column;
    },
    positionIds_T: tensor1d(positionIds, 'int32'),
    attentionBias_B11S: tensor4d(attentionBias, [B, 1, 1, S]),
    firstTokenRows_B: tensor1d(firstTokenRows, 'int32'),
  };
}
