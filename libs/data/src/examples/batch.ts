import { allocateBatch, type ExampleBatch, type ExampleSizes, type Task } from '@berth/contracts';
import type { ExampleShardReader } from '../tasks/task-examples.ts';

/** An example of an open shard. */
export interface ExampleRow {
  readonly reader: Pick<ExampleShardReader, 'copyInto'>;
  readonly example: number;
}

/** A batch of these examples. */
export function batchOf(
  task: Task,
  { maxSeqLength, maxPredictions }: ExampleSizes,
  rows: readonly ExampleRow[],
): ExampleBatch {
  const batch = allocateBatch(task, { batchSize: rows.length, maxSeqLength, maxPredictions });
  for (const [row, { reader, example }] of rows.entries()) reader.copyInto(batch, row, example);
  return batch;
}
