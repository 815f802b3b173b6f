import { columnOf, type BerthError, type ExampleBatch } from '@berth/contracts';
import { createStarts, stretchOf, type Starts } from '../../scratch/starts.ts';
import type { KeepNumbers, Stretches } from '../../scratch/stretches.ts';
import type { ExampleShardReader } from '../task-examples.ts';
import { verifiedShard } from '../verified-shard.ts';
import type { Example } from './example.ts';
import { GrowableUints } from '../growable-uints.ts';
import { finish, type Work } from '../../text/work.ts';
import type { TokenIds } from '../../dataset/token-documents.ts';

/*
 * Little-endian. Header of 16 words: magic (2), version, examples, tokens, predictions, maxSeqLength, maxPredictions,
 * example set id (8). Then columns of u16, each whole:
 *   per example      numTokens, numFirstSegment, numPredictions, isRandomNext
 *   per token        id
 *   per prediction   position, label
 * Version 2, where an id takes more than 16 bits: ids and labels are u32, and come before all others.
 */
const magic = [0x7472_6562, 0x6178_652d] as const; // "bert" "-exa"
const headerWords = 16;
const versions = [1, 2];
const format = { magic, versions, headerWords, title: 'an example shard' };

/** What a shard says about itself. */
export interface ExampleShardFacts {
  /** 64 hex digits. */
  readonly exampleSetId: string;
  readonly maxSeqLength: number;
  readonly maxPredictions: number;
}

/** Few enough to be made at once. */
const numAtOnce = 64;

/** Packs examples as they come; the same examples and facts give the same bytes. About 300 bytes an example at length 128. */
export function* encodingExampleShard(
  examples: Iterable<Example>,
  facts: ExampleShardFacts,
): Work<Uint8Array> {
  const numTokens = new GrowableUints();
  const numFirstSegment = new GrowableUints();
  const numPredictions = new GrowableUints();
  const isRandomNext = new GrowableUints();
  const ids = new GrowableUints();
  const positions = new GrowableUints();
  const labels = new GrowableUints();
  for (const example of examples) {
    numTokens.push(example.ids.length);
    numFirstSegment.push(example.numFirstSegment);
    numPredictions.push(example.maskedPositions.length);
    isRandomNext.push(example.isRandomNext ? 1 : 0);
    ids.append(example.ids);
    positions.append(example.maskedPositions);
    labels.append(example.maskedLabels);
    if (numTokens.length % numAtOnce === 0) yield;
  }
  const isWide = [ids, labels].some(({ bytesPerItem }) => bytesPerItem === 4);
  if (isWide) for (const column of [ids, labels]) column.widen();
  const header = Uint32Array.from([
    ...magic,
    isWide ? 2 : 1,
    numTokens.length,
    ids.length,
    positions.length,
    facts.maxSeqLength,
    facts.maxPredictions,
    ...new Uint32Array(new Uint8Array(Buffer.from(facts.exampleSetId, 'hex')).buffer),
  ]);
  const perExample = [numTokens, numFirstSegment, numPredictions, isRandomNext];
  const all = isWide
    ? [ids, labels, ...perExample, positions]
    : [...perExample, ids, positions, labels];
  const columns = all.flatMap((column) => column.bytes());
  return Buffer.concat([new Uint8Array(header.buffer), ...columns]);
}

/** The same at once. */
export function encodeExampleShard(
  examples: Iterable<Example>,
  facts: ExampleShardFacts,
): Uint8Array {
  return finish(encodingExampleShard(examples, facts));
}

/** Random access to a verified example shard of this task. */
export interface PretrainingShardReader extends ExampleShardReader, ExampleShardFacts {
  /** Writes an example, but for its label, into a row of a batch that was cleared, behind the tokens and predictions of others. */
  copyBehind(
    batch: ExampleBatch,
    row: number,
    before: { readonly numTokens: number; readonly numPredictions: number },
    example: number,
  ): void;
  /** Whether its second segment is a random one: 1, or 0. */
  labelOf(example: number): number;
  kept(keep: KeepNumbers): Promise<PretrainingShardReader>;
}

/**
 * Verifies a shard's bytes, then reads them in place.
 * @param expectedSha256 - undefined where they are a part of a shard that was verified
 * @param name - of the shard, for messages
 * @throws BerthError `DATA_SHARD_CORRUPT` when the bytes do not have this digest, are no example shard, or hold what no example can be
 */
export function openExampleShard(
  bytes: Uint8Array,
  expectedSha256: string | undefined,
  name = 'example shard',
): PretrainingShardReader {
  const { bytes: aligned, header, corrupt } = verifiedShard(bytes, expectedSha256, name, format);
  const [numExamples = 0, numTokens = 0, numPredictions = 0] = header.subarray(3);
  const [maxSeqLength = 0, maxPredictions = 0] = header.subarray(6);
  const idBytes = header[2] === 1 ? 2 : 4;
  const numBytes = 2 * (4 * numExamples + numPredictions) + idBytes * (numTokens + numPredictions);
  if (aligned.length !== 4 * headerWords + numBytes) throw corrupt('header and size disagree');

  let byteOffset = aligned.byteOffset + 4 * headerWords;
  const column = (length: number): Uint16Array => {
    const view = new Uint16Array(aligned.buffer, byteOffset, length);
    byteOffset += 2 * length;
    return view;
  };
  const wideColumn = (length: number): Uint32Array => {
    const view = new Uint32Array(aligned.buffer, byteOffset, length);
    byteOffset += view.byteLength;
    return view;
  };
  const wide = idBytes === 4 && { ids: wideColumn(numTokens), labels: wideColumn(numPredictions) };
  const tokenCounts = column(numExamples);
  const firstSegmentCounts = column(numExamples);
  const predictionCounts = column(numExamples);
  const isRandomNext = column(numExamples);
  const ids = wide ? wide.ids : column(numTokens);
  const positions = column(numPredictions);
  const labels = wide ? wide.labels : column(numPredictions);
  const tokens = createStarts(tokenCounts);
  const predictions = createStarts(predictionCounts);
  if (tokens.end !== numTokens || predictions.end !== numPredictions)
    throw corrupt('header and columns disagree');
  let firstPrediction = 0;
  for (let example = 0; example < numExamples; example++) {
    const length = tokenCounts[example]!;
    const endPrediction = firstPrediction + predictionCounts[example]!;
    const isSound =
      length <= maxSeqLength &&
      firstSegmentCounts[example]! <= length &&
      predictionCounts[example]! <= maxPredictions &&
      isRandomNext[example]! <= 1 &&
      positions.subarray(firstPrediction, endPrediction).every((position) => position < length);
    if (!isSound) throw corrupt(`example ${example} cannot be`);
    firstPrediction = endPrediction;
  }
  const exampleSetId = Buffer.from(header.slice(8).buffer).toString('hex');
  return readerOf({
    facts: { exampleSetId, maxSeqLength, maxPredictions },
    tokens,
    predictions,
    firstSegmentCounts,
    isRandomNext,
    ids,
    positions,
    labels,
    corrupt,
  });
}

interface Columns {
  readonly facts: ExampleShardFacts;
  readonly tokens: Starts;
  readonly predictions: Starts;
  readonly firstSegmentCounts: Uint16Array;
  readonly isRandomNext: Uint16Array;
  readonly ids: Stretches<TokenIds>;
  readonly positions: Stretches<Uint16Array>;
  readonly labels: Stretches<TokenIds>;
  readonly corrupt: (what: string) => BerthError;
}

function readerOf(columns: Columns): PretrainingShardReader {
  const { facts, tokens, predictions, firstSegmentCounts, isRandomNext, corrupt } = columns;
  const { ids, positions, labels } = columns;
  const { maxSeqLength, maxPredictions } = facts;
  const copyBehind: PretrainingShardReader['copyBehind'] = (batch, row, before, example) => {
    const maskedIds = columnOf(batch, 'maskedIds');
    const numSlots = maskedIds.length / batch.batchSize;
    const ownIds = stretchOf(ids, tokens, example);
    const firstId = row * batch.seqLength + before.numTokens;
    const endToken = firstId + ownIds.length;
    columnOf(batch, 'inputIds').set(ownIds, firstId);
    columnOf(batch, 'inputMask').fill(1, firstId, endToken);
    columnOf(batch, 'segmentIds').fill(1, firstId + firstSegmentCounts[example]!, endToken);

    const ownPositions = stretchOf(positions, predictions, example);
    const firstSlot = row * numSlots + before.numPredictions;
    const endSlot = firstSlot + ownPositions.length;
    const maskedPositions = columnOf(batch, 'maskedPositions');
    maskedPositions.set(ownPositions, firstSlot);
    if (before.numTokens > 0)
      for (let slot = firstSlot; slot < endSlot; slot++) maskedPositions[slot]! += before.numTokens;
    maskedIds.set(stretchOf(labels, predictions, example), firstSlot);
    columnOf(batch, 'maskedWeights').fill(1, firstSlot, endSlot);
  };
  return {
    ...facts,
    numExamples: firstSegmentCounts.length,
    numTokens: tokens.end,
    numPredictions: predictions.end,
    kept: async (keep) =>
      readerOf({
        ...columns,
        tokens: tokens.copy(),
        predictions: predictions.copy(),
        firstSegmentCounts: firstSegmentCounts.slice(),
        isRandomNext: isRandomNext.slice(),
        ids: await keep(ids),
        positions: await keep(positions),
        labels: await keep(labels),
      }),
    countOf: (sum, example) => {
      if (sum === 'maskedWeight') return predictions.counts[example]!;
      return sum === 'numTokens' ? tokens.counts[example]! : 1;
    },
    copyInto: (batch, row, example) => {
      requireRoom(batch, { maxSeqLength, maxPredictions }, corrupt);
      clearRow(batch, row);
      copyBehind(batch, row, { numTokens: 0, numPredictions: 0 }, example);
      const { nextSentenceLabels } = batch.columns;
      if (nextSentenceLabels !== undefined) nextSentenceLabels[row] = isRandomNext[example]!;
    },
    copyBehind,
    labelOf: (example) => isRandomNext[example]!,
  };
}

/** Whether a batch is wide enough for what a shard says of its examples. */
export function requireRoom(
  batch: ExampleBatch,
  { maxSeqLength, maxPredictions }: Pick<ExampleShardFacts, 'maxSeqLength' | 'maxPredictions'>,
  corrupt: (what: string) => BerthError,
): void {
  const numSlots = columnOf(batch, 'maskedIds').length / batch.batchSize;
  if (maxSeqLength > batch.seqLength || maxPredictions > numSlots)
    throw corrupt(`made for ${maxSeqLength} tokens and ${maxPredictions} predictions`);
}

/** Makes a row padding. */
export function clearRow({ batchSize, columns }: ExampleBatch, row: number): void {
  for (const column of Object.values(columns)) {
    const size = column.length / batchSize;
    column.fill(0, row * size, (row + 1) * size);
  }
}
