import {
  columnOf,
  encoderColumns,
  type ExampleBatch,
  type ExampleSizes,
  type ShownExample,
  type Task,
} from '@berth/contracts';
import { batchOf, type ExampleRow } from '../examples/batch.ts';

/** An example in words, but for where it is from. */
export type ShownRow = Pick<
  ShownExample,
  'tokens' | 'ids' | 'numFirstSegment' | 'labels' | 'columns'
>;

/**
 * What an example of a task holds.
 * @param tokens - of the vocabulary, by id
 */
export function showRow(
  task: Task,
  sizes: ExampleSizes,
  tokens: readonly string[],
  row: ExampleRow,
): ShownRow {
  const batch = batchOf(task, sizes, [row]);
  const numTokens = Array.from(columnOf(batch, 'inputMask')).reduce((sum, one) => sum + one, 0);
  const ids = Array.from(columnOf(batch, 'inputIds').subarray(0, numTokens));
  const segments = columnOf(batch, 'segmentIds').subarray(0, numTokens);
  const firstOfSecond = segments.indexOf(1);
  const word = (id: number): string => tokens[id] ?? `#${id}`;
  return {
    ids,
    tokens: ids.map(word),
    numFirstSegment: firstOfSecond < 0 ? numTokens : firstOfSecond,
    labels: labelsOf(task, batch, word),
    columns: othersOf(task, batch, numTokens),
  };
}

function labelsOf(
  { tokenPrediction }: Task,
  batch: ExampleBatch,
  word: (id: number) => string,
): ShownExample['labels'] {
  if (tokenPrediction === undefined) return [];
  const positions = columnOf(batch, tokenPrediction.positions);
  const ids = columnOf(batch, tokenPrediction.tokens);
  return Array.from(columnOf(batch, tokenPrediction.weights), (weight, slot) => ({
    position: positions[slot]!,
    token: word(ids[slot]!),
    weight,
  })).filter(({ weight }) => weight > 0);
}

/** Columns that are neither the encoder's nor told by the labels; of tokens, without padding. */
function othersOf(
  { columns, tokenPrediction }: Task,
  batch: ExampleBatch,
  numTokens: number,
): Record<string, number[]> {
  const told = new Set<string>([
    ...encoderColumns.map(({ name }) => name),
    ...(tokenPrediction === undefined
      ? []
      : [tokenPrediction.positions, tokenPrediction.tokens, tokenPrediction.weights]),
  ]);
  return Object.fromEntries(
    columns
      .filter(({ name }) => !told.has(name))
      .map(({ name, shape }) => {
        const values = Array.from(columnOf(batch, name));
        return [name, shape[0] === 'maxSeqLength' ? values.slice(0, numTokens) : values];
      }),
  );
}
