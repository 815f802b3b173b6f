import type { ExampleBatch } from '@berth/contracts';
import type { ExampleShardReader } from '../tasks/pretraining/example-shard.ts';

/** An example of an open shard. */
export interface ExampleRow {
  readonly reader: ExampleShardReader;
  readonly example: number;
}

/** A batch of padding, to be filled and filled again. */
export function allocateBatch(
  batchSize: number,
  seqLength: number,
  numPredictions: number,
): ExampleBatch {
  return {
    batchSize,
    seqLength,
    numPredictions,
    inputIds: new Int32Array(batchSize * seqLength),
    inputMask: new Int32Array(batchSize * seqLength),
    segmentIds: new Int32Array(batchSize * seqLength),
    maskedPositions: new Int32Array(batchSize * numPredictions),
    maskedIds: new Int32Array(batchSize * numPredictions),
    maskedWeights: new Float32Array(batchSize * numPredictions),
    nextSentenceLabels: new Int32Array(batchSize),
  };
}

/** Writes one example into each row. `rows` has as many entries as the batch. */
export function fillBatch(batch: ExampleBatch, rows: readonly ExampleRow[]): void {
  for (const [row, { reader, example }] of rows.entries()) reader.copyInto(batch, row, example);
}

/** Prediction weights of these examples together: the denominator of a step's masked LM loss, less its 1e-5. */
export function totalPredictions(rows: readonly ExampleRow[]): number {
  return rows.reduce((sum, { reader, example }) => sum + reader.numPredictionsOf(example), 0);
}
