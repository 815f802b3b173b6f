import {
  allocateBatch,
  columnOf,
  sizeInExample,
  type BatchShape,
  type ColumnValues,
  type ExampleBatch,
  type Task,
} from '@berth/contracts';

export interface SyntheticShape extends BatchShape {
  readonly vocabSize: number;
  /** Tokens of the shortest example, as a share of the longest; the others lie evenly between. */
  readonly shortestRatio: number;
}

/** A batch of made-up tokens and labels, always the same: time does not depend on what they say. */
export function syntheticBatch(task: Task, shape: SyntheticShape): ExampleBatch {
  const { batchSize, maxSeqLength } = shape;
  const batch = allocateBatch(task, shape);
  const lengthOf = (row: number): number =>
    Math.round(maxSeqLength * (1 - ((1 - shape.shortestRatio) * row) / Math.max(1, batchSize - 1)));
  for (const column of task.columns) {
    const data = columnOf(batch, column.name);
    const size = sizeInExample(column, shape);
    const isOfTokens = column.shape.includes('maxSeqLength');
    for (let index = 0; index < data.length; index++) {
      const [row, place] = [Math.floor(index / size), index % size];
      const length = lengthOf(row);
      if (isOfTokens && place >= length) continue;
      data[index] = numberAt(column.values, { index, place, size, length, row }, shape);
    }
  }
  return batch;
}

interface Place {
  readonly index: number;
  readonly row: number;
  /** Among the numbers of its example. */
  readonly place: number;
  /** How many these are. */
  readonly size: number;
  /** Tokens of the example. */
  readonly length: number;
}

function numberAt(
  values: ColumnValues,
  { index, row, place, size, length }: Place,
  { maxSeqLength, vocabSize }: SyntheticShape,
): number {
  switch (values) {
    case 'token':
      return 5 + ((Math.imul(index + 1, 0x9e3779b1) >>> 0) % (vocabSize - 5));
    case 'mask':
    case 'weight':
    case 'number':
      return 1;
    case 'segment':
      return place >= maxSeqLength / 4 ? 1 : 0;
    case 'sequence':
      return 0;
    case 'position':
      return Math.floor((place * length) / size);
    default:
      return (row + place) % values;
  }
}
