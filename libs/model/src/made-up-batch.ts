import {
  allocateBatch,
  columnOf,
  sizeInExample,
  type BatchShape,
  type Column,
  type ExampleBatch,
  type Task,
} from '@berth/contracts';

/** Examples that only look random: the same everywhere, with padding and unused labels, other ones for each seed. */
export function madeUpBatch(
  task: Task,
  shape: BatchShape,
  vocabSize: number,
  seed: number,
): ExampleBatch {
  const { batchSize, maxSeqLength } = shape;
  const draw = drawer(seed);
  const perExample = (value: () => number): number[] => Array.from({ length: batchSize }, value);
  const lengths = perExample(() => maxSeqLength - draw(Math.ceil(maxSeqLength / 4)));
  const switches = perExample(() => draw(maxSeqLength));
  const batch = allocateBatch(task, shape);
  for (const column of task.columns) {
    const data = columnOf(batch, column.name);
    const size = sizeInExample(column, shape);
    const valueAt = (example: number, place: number): number =>
      made(column, place, {
        vocabSize,
        draw,
        length: lengths[example]!,
        firstSegment: switches[example]!,
      });
    for (let index = 0; index < data.length; index++)
      data[index] = valueAt(Math.floor(index / size), index % size);
  }
  return batch;
}

interface Making {
  readonly vocabSize: number;
  /** Of the example, in tokens. */
  readonly length: number;
  /** Tokens of its first segment. */
  readonly firstSegment: number;
  readonly draw: (bound: number) => number;
}

function made(
  { values }: Column,
  place: number,
  { vocabSize, length, firstSegment, draw }: Making,
): number {
  switch (values) {
    case 'token':
      return draw(vocabSize);
    case 'mask':
      return place < length ? 1 : 0;
    case 'segment':
      return place < firstSegment ? 0 : 1;
    case 'sequence':
      return place < firstSegment || place >= length ? 0 : 1;
    case 'position':
      return draw(length);
    case 'weight':
      return place === 0 || draw(8) > 0 ? 1 : 0;
    case 'number':
      return draw(1024) / 256;
    default:
      return draw(values);
  }
}

/** Draws integers below a bound: a hash (murmur3's finalizer) of how many were drawn. */
function drawer(seed: number): (bound: number) => number {
  let count = Math.imul(seed + 1, 0x9e37_79b9);
  return (bound) => {
    let word = (count = (count + 0x6d2b_79f5) | 0);
    word = Math.imul(word ^ (word >>> 16), 0x85eb_ca6b);
    word = Math.imul(word ^ (word >>> 13), 0xc2b2_ae35);
    return ((word ^ (word >>> 16)) >>> 0) % bound;
  };
}
