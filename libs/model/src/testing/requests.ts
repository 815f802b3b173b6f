import {
  columnOf,
  lossScalesOf,
  tasks,
  type ColumnData,
  type ExampleBatch,
  type GradientRequest,
  type RankExamples,
  type TrainingState,
} from '@berth/contracts';
import { goldenBatch, goldenFlat } from './golden.ts';

/** A step of one virtual rank with one micro-batch, scaled as if it were the whole step. */
export function wholeStep(step: number, batch: ExampleBatch): GradientRequest {
  const weights = Array.from(columnOf(batch, 'maskedWeights'));
  const maskedWeight = weights.reduce((total, value) => total + value, 0);
  return {
    step,
    block: { start: 0, length: 1 },
    ranks: [{ virtualRank: 0, microBatches: [batch] }],
    lossScales: lossScalesOf(tasks.pretraining, { maskedWeight, numExamples: batch.batchSize }),
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
    lossScales: { masked_lm: 1 / 20, next_sentence: 1 / 16 },
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

/** One batch after the other. */
export function joinBatches(batches: readonly ExampleBatch[]): ExampleBatch {
  const [first] = batches;
  if (first === undefined) throw new RangeError('no batches');
  const joined = (name: string, like: ColumnData): ColumnData => {
    const values = batches.flatMap((batch) => Array.from(columnOf(batch, name)));
    return like instanceof Int32Array ? Int32Array.from(values) : Float32Array.from(values);
  };
  const columns = Object.entries(first.columns).map(([name, like]) => [name, joined(name, like)]);
  return {
    ...first,
    batchSize: batches.reduce((total, batch) => total + batch.batchSize, 0),
    columns: Object.fromEntries(columns) as ExampleBatch['columns'],
  };
}

/** The same examples with more padding. */
export function padBatch(batch: ExampleBatch, seqLength: number): ExampleBatch {
  const { batchSize, seqLength: S } = batch;
  const padded = ['inputIds', 'inputMask', 'segmentIds'].map((name) => {
    const column = columnOf(batch, name);
    const wide = new Int32Array(batchSize * seqLength);
    for (let row = 0; row < batchSize; row++)
      wide.set(column.subarray(row * S, (row + 1) * S), row * seqLength);
    return [name, wide] as const;
  });
  return { ...batch, seqLength, columns: { ...batch.columns, ...Object.fromEntries(padded) } };
}
