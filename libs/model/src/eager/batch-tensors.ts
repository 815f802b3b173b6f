// Shapes: B examples, S tokens, Q tokens that ask; T = B S.
import { columnOf, sequenceColumn, type ExampleBatch } from '@berth/contracts';
import { add, tensor1d, tensor4d, type Tensor1D, type Tensor4D } from '@tensorflow/tfjs-core';

/** A batch on the device, in the form the model reads it; rows index the [T, H] hidden states. */
export interface BatchTensors {
  readonly batchSize: number;
  readonly seqLength: number;
  /** A column, end to end. */
  column(name: string): Tensor1D;
  /** Each token's position in its sequence, from 0 on. */
  readonly positionIds_T: Tensor1D;
  /** 0 for tokens that a token sees, -10000 for others: Q = 1 where all of a row see the same, else S. */
  readonly attentionBias_B1QS: Tensor4D;
  readonly firstTokenRows_B: Tensor1D;
  /** Rows of the tokens whose positions a column has, end to end. */
  rowsAt(column: string): Tensor1D;
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
  const column = (name: string): Tensor1D => {
    const found = columns.get(name);
    if (found === undefined) throw new RangeError(`the batch has no column ${name}`);
    return found;
  };
  const firstTokenRows = Int32Array.from({ length: B }, (_, example) => example * S);
  return {
    batchSize: B,
    seqLength: S,
    column,
    rowsAt(name) {
      const positions = column(name);
      const size = positions.size / B;
      const firstRows = Int32Array.from(
        { length: positions.size },
        (_, place) => Math.floor(place / size) * S,
      );
      return add(positions, tensor1d(firstRows, 'int32'));
    },
    positionIds_T: tensor1d(positionIds(batch), 'int32'),
    attentionBias_B1QS: attentionBias(batch),
    firstTokenRows_B: tensor1d(firstTokenRows, 'int32'),
  };
}

/** How many tokens of its sequence stand before each token. */
function positionIds({ batchSize: B, seqLength: S, columns }: ExampleBatch): Int32Array {
  const sequenceIds = columns[sequenceColumn.name];
  if (sequenceIds === undefined) return Int32Array.from({ length: B * S }, (_, token) => token % S);
  const positions = new Int32Array(B * S);
  for (let row = 0; row < B; row++) {
    const lengths = new Map<number, number>();
    for (let token = row * S; token < (row + 1) * S; token++) {
      const length = lengths.get(sequenceIds[token]!) ?? 0;
      positions[token] = length;
      lengths.set(sequenceIds[token]!, length + 1);
    }
  }
  return positions;
}

function attentionBias(batch: ExampleBatch): Tensor4D {
  const { batchSize: B, seqLength: S, columns } = batch;
  const inputMask = columnOf(batch, 'inputMask');
  const sequenceIds = columns[sequenceColumn.name];
  if (sequenceIds === undefined)
    return tensor4d(
      Float32Array.from(inputMask, (mask) => (1 - mask) * -10_000),
      [B, 1, 1, S],
    );
  const bias = Float32Array.from({ length: B * S * S }, (_, index) => {
    const token = Math.floor(index / S);
    const seen = token - (token % S) + (index % S);
    return inputMask[seen] === 1 && sequenceIds[seen] === sequenceIds[token] ? 0 : -10_000;
  });
  return tensor4d(bias, [B, 1, S, S]);
}
