import {
  columnOf,
  type ColumnValues,
  encoderColumns,
  sequenceColumn,
  type ExampleBatch,
  type ExampleSizes,
  type ShownExample,
  type Task,
} from '@berth/contracts';
import { batchOf, type ExampleRow } from '../examples/batch.ts';

/** An example in words, but for where it is from. */
export type ShownRow = Pick<ShownExample, 'tokens' | 'ids' | 'segments' | 'labels' | 'columns'>;

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
  const segments = segmentsOf(task, batch, numTokens);
  const word = (id: number): string => tokens[id] ?? `#${id}`;
  return {
    ids,
    tokens: ids.map(word),
    segments,
    labels: labelsOf(task, batch, word),
    columns: othersOf(task, batch, {
      numTokens,
      numSequences: 1 + (segments.at(-1)?.sequence ?? 0),
    }),
  };
}

function segmentsOf(task: Task, batch: ExampleBatch, numTokens: number): ShownRow['segments'] {
  const ids = columnOf(batch, 'segmentIds');
  const sequences = isPacked(task) ? columnOf(batch, sequenceColumn.name) : undefined;
  const found: { position: number; numTokens: number; segment: 0 | 1; sequence: number }[] = [];
  for (let position = 0; position < numTokens; position++) {
    const [segment, sequence] = [ids[position] === 1 ? 1 : 0, sequences?.[position] ?? 0] as const;
    const last = found.at(-1);
    if (last?.segment === segment && last.sequence === sequence) last.numTokens++;
    else found.push({ position, numTokens: 1, segment, sequence });
  }
  return found;
}

function isPacked({ columns }: Task): boolean {
  return columns.some(({ name }) => name === sequenceColumn.name);
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

/** Of a packed row: its segments tell it. */
const saysWhere = new Set<ColumnValues>(['position', 'weight']);

/** Columns that are told by neither tokens, segments nor labels; of tokens and of sequences, without padding. */
function othersOf(
  task: Task,
  batch: ExampleBatch,
  { numTokens, numSequences }: { readonly numTokens: number; readonly numSequences: number },
): Record<string, number[]> {
  const { columns, tokenPrediction } = task;
  const told = new Set<string>([
    sequenceColumn.name,
    ...encoderColumns.map(({ name }) => name),
    ...(tokenPrediction === undefined
      ? []
      : [tokenPrediction.positions, tokenPrediction.tokens, tokenPrediction.weights]),
  ]);
  return Object.fromEntries(
    columns
      .filter(({ name, values }) => !told.has(name) && !(isPacked(task) && saysWhere.has(values)))
      .map(({ name, shape }) => {
        const values = Array.from(columnOf(batch, name));
        const numUsed = {
          maxSeqLength: numTokens,
          maxPredictions: isPacked(task) ? numSequences : values.length,
        };
        const size = shape[0];
        return [name, typeof size === 'string' ? values.slice(0, numUsed[size]) : values];
      }),
  );
}
