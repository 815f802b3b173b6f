import { BerthError } from './errors.ts';
import { dimensionOf, type BatchShape, type Column, type Task } from './tasks/task.ts';

export type ColumnData = Int32Array | Float32Array;

/** Examples ready for the device. Columns are row-major, by the names of the task; padding and unused slots are 0. */
export interface ExampleBatch {
  readonly batchSize: number;
  readonly seqLength: number;
  readonly columns: Readonly<Record<string, ColumnData>>;
}

/** A batch of padding, to be filled and filled again. */
export function allocateBatch(task: Task, shape: BatchShape): ExampleBatch {
  const { batchSize, maxSeqLength } = shape;
  const columns = task.columns.map((column) => {
    const length = batchSize * sizeInExample(column, shape);
    const data = column.dtype === 'int32' ? new Int32Array(length) : new Float32Array(length);
    return [column.name, data] as const;
  });
  return { batchSize, seqLength: maxSeqLength, columns: Object.fromEntries(columns) };
}

/** Numbers that an example has in a column. */
export function sizeInExample({ shape: names }: Column, sizes: BatchShape): number {
  return names.reduce((product: number, name) => product * dimensionOf(name, sizes), 1);
}

/** @throws BerthError `INTERNAL` when the batch is one of another task */
export function columnOf({ columns }: Pick<ExampleBatch, 'columns'>, name: string): ColumnData {
  const column = columns[name];
  if (column !== undefined) return column;
  throw new BerthError(
    'INTERNAL',
    `a batch has no column ${name}, only ${Object.keys(columns).join(', ')}`,
  );
}

/** Examples [from, to) of a batch, in its memory. */
export function examplesOf(batch: ExampleBatch, from: number, to: number): ExampleBatch {
  const { batchSize, columns } = batch;
  const parts = Object.entries(columns).map(([name, column]) => {
    const size = column.length / batchSize;
    return [name, column.subarray(from * size, to * size)] as const;
  });
  return { ...batch, batchSize: to - from, columns: Object.fromEntries(parts) };
}
