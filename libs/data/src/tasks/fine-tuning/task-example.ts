import { createHash } from 'node:crypto';
import { BerthError, canonicalJson, columnOf, type ExampleBatch } from '@berth/contracts';
import type { RowPlace } from '../../rows/row.ts';
import type { Vocabulary } from '../../text/vocabulary.ts';

/** An example of a fine-tuning task, unpadded: [CLS] A [SEP], or [CLS] A [SEP] B [SEP]. */
export interface TaskExample {
  readonly place: RowPlace;
  readonly ids: readonly number[];
  /** Tokens of [CLS] A [SEP]: segment 0; those after it are segment 1. */
  readonly numFirstSegment: number;
  /** What it has in the columns that its task has besides the encoder's; shorter ones are padded with 0. */
  readonly columns: Readonly<Record<string, number | readonly number[]>>;
}

/** What of an example its model reads. */
export interface TokensOfExample extends Pick<TaskExample, 'ids' | 'numFirstSegment'> {
  /** Whether it had more tokens than there is room for. */
  readonly isCut: boolean;
}

/** The ids of [CLS] A [SEP], or [CLS] A [SEP] B [SEP]. */
export function layOut(
  { clsId, sepId }: Pick<Vocabulary, 'clsId' | 'sepId'>,
  a: readonly number[],
  b?: readonly number[],
): Pick<TaskExample, 'ids' | 'numFirstSegment'> {
  const ids = [clsId, ...a, sepId, ...(b === undefined ? [] : [...b, sepId])];
  return { ids, numFirstSegment: a.length + 2 };
}

/**
 * How many tokens of two texts stay within `max` together: the longer one gives up its last, and the second where they are equal,
 * as `_truncate_seq_pair` of google-research/bert (run_classifier.py).
 */
export function truncatedLengths(a: number, b: number, max: number): readonly [number, number] {
  let [first, second] = [a, b];
  while (first + second > max) {
    if (first > second) first -= 1;
    else second -= 1;
  }
  return [first, second];
}

/**
 * Writes an example over row `row` of a batch of its task.
 * @throws BerthError `INTERNAL` when the batch is narrower, or one of another task
 */
export function copyTaskExample(
  batch: ExampleBatch,
  row: number,
  example: Omit<TaskExample, 'place'>,
): void {
  const { ids, numFirstSegment, columns } = example;
  const length = ids.length;
  if (length > batch.seqLength)
    throw new BerthError('INTERNAL', `an example of ${length} tokens in ${batch.seqLength}`);
  const write = (name: string, values: readonly number[]): void => {
    const column = columnOf(batch, name);
    const size = column.length / batch.batchSize;
    column.fill(0, row * size, (row + 1) * size);
    column.set(values, row * size);
  };
  write('inputIds', ids);
  write(
    'inputMask',
    ids.map(() => 1),
  );
  write(
    'segmentIds',
    ids.map((_, i) => (i < numFirstSegment ? 0 : 1)),
  );
  for (const [name, value] of Object.entries(columns))
    write(name, typeof value === 'number' ? [value] : value);
}

/**
 * The identity of a data set: SHA-256 of what its examples are, in order, and of the settings that they were made with. Where a
 * row stands in which file is no part of it.
 */
export async function fingerprintExamples(
  examples: AsyncIterable<TaskExample> | Iterable<TaskExample>,
  settings: unknown,
): Promise<string> {
  const hash = createHash('sha256').update(`berth-task-examples/1\n${canonicalJson(settings)}\n`);
  for await (const { ids, numFirstSegment, columns } of examples)
    hash.update(`${canonicalJson({ ids, numFirstSegment, columns })}\n`);
  return hash.digest('hex');
}
