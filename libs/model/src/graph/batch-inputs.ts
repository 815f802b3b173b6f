import {
  BerthError,
  columnOf,
  dimensionOf,
  sizeInExample,
  type BatchShape,
  type ColumnData,
  type ExampleBatch,
  type Task,
} from '@berth/contracts';
import type { Graph, TensorData, Value } from '@berth/graph';

/** What a forward pass is fed, as placeholders. */
export interface BatchInputs {
  readonly columns: Readonly<Record<string, Value>>;
  /** 1 for real examples, 0 for those that fill up the batch. */
  readonly exampleWeights_B: Value;
}

const exampleWeights = 'exampleWeights_B';

export function batchInputs(graph: Graph, task: Task, shape: BatchShape): BatchInputs {
  const columns = task.columns.map(({ name, dtype, shape: names }) => {
    const dimensions = [
      shape.batchSize,
      ...names.map((dimension) => dimensionOf(dimension, shape)),
    ];
    return [name, graph.placeholder(name, { dtype, shape: dimensions })] as const;
  });
  return {
    columns: Object.fromEntries(columns),
    exampleWeights_B: graph.placeholder(exampleWeights, {
      dtype: 'float32',
      shape: [shape.batchSize],
    }),
  };
}

/**
 * The elements to feed for a batch. One that is smaller than the shape is filled up with empty examples behind its own, so
 * that no element of its own moves.
 * @throws BerthError `INTERNAL` when it does not fit
 */
export function batchData(
  batch: ExampleBatch,
  task: Task,
  shape: BatchShape,
): Record<string, TensorData> {
  const { batchSize } = batch;
  const fed = task.columns.map((column) => {
    const data = columnOf(batch, column.name);
    const size = sizeInExample(column, shape);
    if (data.length !== batchSize * size || batchSize > shape.batchSize)
      throw new BerthError(
        'INTERNAL',
        `a batch of ${batchSize} with ${data.length / batchSize} ${column.name} each was given to a graph ` +
          `compiled for ${shape.batchSize} with ${size}`,
      );
    return [column.name, filledUp(data, shape.batchSize * size)] as const;
  });
  return {
    ...Object.fromEntries(fed),
    [exampleWeights]: Float32Array.from({ length: shape.batchSize }, (_, row) =>
      Number(row < batchSize),
    ),
  };
}

function filledUp(data: ColumnData, length: number): ColumnData {
  if (data.length === length) return data;
  const filled = data instanceof Int32Array ? new Int32Array(length) : new Float32Array(length);
  filled.set(data);
  return filled;
}
