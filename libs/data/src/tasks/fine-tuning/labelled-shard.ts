import {
  BerthError,
  dimensionOf,
  encoderColumns,
  fineTuningTask,
  labelsOf,
  type Column,
  type ColumnValues,
  type FineTuning,
} from '@berth/contracts';
import { GrowableUints } from '../growable-uints.ts';
import type { ExampleShardReader } from '../task-examples.ts';
import { createStarts, stretchOf, type Starts } from '../../scratch/starts.ts';
import type { Stretches } from '../../scratch/stretches.ts';
import type { TokenIds } from '../../dataset/token-documents.ts';
import { verifiedShard } from '../verified-shard.ts';
import { copyTaskExample, type TaskExample } from './task-example.ts';

/*
 * Little-endian. Header of 16 words: magic (2), version, examples, tokens, kind, labels, maxSeqLength, example set id (8). Then
 * columns, each whole:
 *   f32   the task's own, in its order: of an example as many numbers as the column has, and where these are of tokens
 *         one for each of its tokens
 *   u16   numTokens and numFirstSegment of each example, then the ids of all
 * Version 2, where an id takes more than 16 bits: the ids are u32, and come before numTokens.
 * Classes and positions are small enough to be exact.
 */
const magic = [0x7472_6562, 0x6261_6c2d] as const; // "bert" "-lab"
const headerWords = 16;
const versions = [1, 2];
const format = { magic, versions, headerWords, title: 'a shard of labelled examples' };
/** Their places are what the header says. */
const kinds: readonly FineTuning['kind'][] = [
  'classify',
  'classify-many',
  'regress',
  'tag',
  'answer',
];

/** A shard of labelled examples in the making. 2 or 4 bytes a token, 8 a number of the task's columns. */
export interface LabelledShardBuilder {
  /** @throws BerthError `INTERNAL` for an example of another task, without labels, or longer than `maxSeqLength` */
  add(example: TaskExample): void;
  /** The same examples and id, the same bytes. @param exampleSetId - 64 hex digits */
  bytes(exampleSetId: string): Uint8Array;
}

export function buildLabelledShard(
  fineTuning: FineTuning,
  maxSeqLength: number,
): LabelledShardBuilder {
  const columns = ownColumns(fineTuning).map((column) => ({ column, numbers: [] as number[] }));
  const numTokens = new GrowableUints();
  const numFirstSegment = new GrowableUints();
  const ids = new GrowableUints();
  return {
    add(example) {
      const length = example.ids.length;
      const values = columns.map(({ column }) => [example.columns[column.name] ?? []].flat());
      const fits = columns.every(
        ({ column }, index) => values[index]!.length === numNumbers(column, 1, length),
      );
      if (!fits || length > maxSeqLength)
        throw new BerthError(
          'INTERNAL',
          `an example of ${length} tokens with ${Object.keys(example.columns).join(', ')} among those of ${fineTuning.kind}, at most ${maxSeqLength} tokens long`,
        );
      for (const [index, { numbers }] of columns.entries()) numbers.push(...values[index]!);
      numTokens.push(length);
      numFirstSegment.push(example.numFirstSegment);
      ids.append(example.ids);
    },
    bytes(exampleSetId) {
      const isWide = ids.bytesPerItem === 4;
      const header = Uint32Array.from([
        ...magic,
        isWide ? 2 : 1,
        numTokens.length,
        ids.length,
        kinds.indexOf(fineTuning.kind),
        labelsOf(fineTuning).length,
        maxSeqLength,
        ...new Uint32Array(new Uint8Array(Buffer.from(exampleSetId, 'hex')).buffer),
      ]);
      const labels = columns.map(({ numbers }) => Float32Array.from(numbers));
      return Buffer.concat([
        ...[header, ...labels].map(({ buffer }) => new Uint8Array(buffer)),
        ...(isWide ? [ids, numTokens, numFirstSegment] : [numTokens, numFirstSegment, ids]).flatMap(
          (column) => column.bytes(),
        ),
      ]);
    },
  };
}

/**
 * Verifies a shard's bytes, then reads them in place.
 * @param name - of the shard, for messages
 * @throws BerthError `DATA_SHARD_CORRUPT` when the bytes do not have this digest, are no shard of this fine-tuning, or hold what no
 * example can be
 */
export function openLabelledShard(
  fineTuning: FineTuning,
  bytes: Uint8Array,
  expectedSha256: string,
  name = 'example shard',
): ExampleShardReader {
  const { bytes: aligned, header, corrupt } = verifiedShard(bytes, expectedSha256, name, format);
  const [numExamples = 0, numTokens = 0, kind = 0, numLabels] = header.subarray(3);
  const maxSeqLength = header[7]!;
  if (kinds[kind] !== fineTuning.kind || numLabels !== labelsOf(fineTuning).length)
    throw corrupt(`its examples are of ${kinds[kind]} with ${numLabels} labels`);
  const own = ownColumns(fineTuning);
  const numOwn = own.reduce((sum, one) => sum + numNumbers(one, numExamples, numTokens), 0);
  const idBytes = header[2] === 1 ? 2 : 4;
  if (aligned.length !== 4 * (headerWords + numOwn + numExamples) + idBytes * numTokens)
    throw corrupt('header and size disagree');

  let byteOffset = aligned.byteOffset + 4 * headerWords;
  const columns = own.map((column) => {
    const numbers = new Float32Array(
      aligned.buffer,
      byteOffset,
      numNumbers(column, numExamples, numTokens),
    );
    byteOffset += numbers.byteLength;
    return { column, numbers };
  });
  const { buffer } = aligned;
  const wideBytes = idBytes === 4 ? 4 * numTokens : 0;
  const counts = new Uint16Array(buffer, byteOffset + wideBytes, 2 * numExamples);
  const tokenCounts = counts.subarray(0, numExamples);
  const firstSegmentCounts = counts.subarray(numExamples);
  const ids =
    idBytes === 4
      ? new Uint32Array(buffer, byteOffset, numTokens)
      : new Uint16Array(buffer, byteOffset + counts.byteLength, numTokens);
  const starts = createStarts(tokenCounts);
  if (starts.end !== numTokens) throw corrupt('header and columns disagree');
  const found = { maxSeqLength, starts, firstSegmentCounts, ids, columns, corrupt };
  let firstToken = 0;
  for (let example = 0; example < numExamples; example++) {
    const length = tokenCounts[example]!;
    const isSound =
      length <= maxSeqLength &&
      firstSegmentCounts[example]! <= length &&
      columns.every(({ column, numbers }) =>
        numbers
          .subarray(
            numNumbers(column, example, firstToken),
            numNumbers(column, example + 1, firstToken + length),
          )
          .every((number) => canBe(column.values, number, length)),
      );
    if (!isSound) throw corrupt(`example ${example} cannot be`);
    firstToken += length;
  }
  return readerOf(found);
}

interface Columns {
  readonly maxSeqLength: number;
  readonly starts: Starts;
  readonly firstSegmentCounts: Uint16Array;
  readonly ids: Stretches<TokenIds>;
  readonly columns: readonly OwnColumn[];
  readonly corrupt: (what: string) => BerthError;
}

interface OwnColumn {
  readonly column: Column;
  readonly numbers: Stretches<Float32Array>;
}

function readerOf(
  all: Columns,
  known?: Pick<ExampleShardReader, 'numPredictions'>,
): ExampleShardReader {
  const { maxSeqLength, starts, firstSegmentCounts, ids, columns, corrupt } = all;
  const numExamples = starts.counts.length;
  const numbersOf = ({ column, numbers }: OwnColumn, example: number): Float32Array =>
    numbers.subarray(
      numNumbers(column, example, starts.at(example)),
      numNumbers(column, example + 1, starts.at(example + 1)),
    );
  const weights = columns.find(({ column }) => column.name === 'labelWeights');
  const weightsOf = (example: number): readonly number[] =>
    weights === undefined ? [1] : Array.from(numbersOf(weights, example));
  const isPerToken = weights !== undefined && isOfTokens(weights.column);
  const numLabelled = (example: number): number =>
    isPerToken ? weightsOf(example).filter((weight) => weight > 0).length : 1;
  const numPredictions =
    known?.numPredictions ??
    Array.from(starts.counts, (_, example) => numLabelled(example)).reduce((a, b) => a + b, 0);
  return {
    numExamples,
    numTokens: starts.end,
    numPredictions,
    async kept(keep) {
      const own: OwnColumn[] = [];
      for (const { column, numbers } of columns) own.push({ column, numbers: await keep(numbers) });
      const rest = { starts: starts.copy(), firstSegmentCounts: firstSegmentCounts.slice() };
      return readerOf({ ...all, ...rest, ids: await keep(ids), columns: own }, { numPredictions });
    },
    countOf(sum, example) {
      if (sum === 'numTokens') return starts.counts[example]!;
      if (sum === 'numLabelled') return numLabelled(example);
      // What else losses are divided by counts examples.
      return sum === 'labelWeight' ? weightsOf(example).reduce((a, b) => a + b, 0) : 1;
    },
    copyInto(batch, row, example) {
      if (maxSeqLength > batch.seqLength) throw corrupt(`made for ${maxSeqLength} tokens`);
      copyTaskExample(batch, row, {
        ids: Array.from(stretchOf(ids, starts, example)),
        numFirstSegment: firstSegmentCounts[example]!,
        columns: Object.fromEntries(
          columns.map((one) => [one.column.name, Array.from(numbersOf(one, example))]),
        ),
      });
    },
  };
}

/** The columns that are not the encoder's. */
function ownColumns(fineTuning: FineTuning): readonly Column[] {
  const ofEncoder = new Set<string>(encoderColumns.map(({ name }) => name));
  return fineTuningTask(fineTuning).columns.filter(({ name }) => !ofEncoder.has(name));
}

function isOfTokens({ shape }: Column): boolean {
  return shape.includes('maxSeqLength');
}

/** Numbers that these examples, of these tokens, have in a column. */
function numNumbers(column: Column, numExamples: number, numTokens: number): number {
  const sizes = { maxSeqLength: 1, maxPredictions: 1 };
  const width = column.shape.reduce((product: number, one) => product * dimensionOf(one, sizes), 1);
  return width * (isOfTokens(column) ? numTokens : numExamples);
}

function canBe(values: ColumnValues, number: number, numTokens: number): boolean {
  if (values === 'number') return Number.isFinite(number);
  if (values === 'weight') return number >= 0 && number < Infinity;
  const end = values === 'position' ? numTokens : values;
  return typeof end === 'number' && Number.isInteger(number) && number >= 0 && number < end;
}
