import { columnOf, sequenceColumn, type BerthError } from '@berth/contracts';
import { createStarts, type Starts } from '../../scratch/starts.ts';
import type { Work } from '../../text/work.ts';
import { verifiedShard } from '../verified-shard.ts';
import type { ExampleShardReader } from '../task-examples.ts';
import type { Example } from './example.ts';
import {
  clearRow,
  encodingExampleShard,
  openExampleShard,
  requireRoom,
  type ExampleShardFacts,
  type PretrainingShardReader,
} from './example-shard.ts';

/*
 * Little-endian. Header of 8 words: magic (2), version, rows, 0 (4). Then the number of sequences of each row (u16), zeros to a multiple of
 * 4 bytes, and an example shard of all sequences, those of the first row first.
 */
const magic = [0x7472_6562, 0x776f_722d] as const; // "bert" "-row"
const version = 1;
const headerWords = 8;
const format = { magic, versions: [version], headerWords, title: 'a shard of packed rows' };

/** Packs rows of sequences as they come; the same rows and facts give the same bytes. */
export function* encodingRowShard(
  rows: Iterable<readonly Example[]>,
  facts: ExampleShardFacts,
): Work<Uint8Array> {
  const counts: number[] = [];
  function* sequences(): Generator<Example> {
    for (const row of rows) {
      counts.push(row.length);
      yield* row;
    }
  }
  const examples = yield* encodingExampleShard(sequences(), facts);
  const header = Uint32Array.of(...magic, version, counts.length, 0, 0, 0, 0);
  const padded = new Uint16Array(evenLength(counts.length));
  padded.set(counts);
  return Buffer.concat([new Uint8Array(header.buffer), new Uint8Array(padded.buffer), examples]);
}

/**
 * Verifies a shard's bytes, then reads them in place. Its examples are rows.
 * @param name - of the shard, for messages
 * @throws BerthError `DATA_SHARD_CORRUPT` when the bytes do not have this digest, are no shard of rows, or hold what no row can be
 */
export function openRowShard(
  bytes: Uint8Array,
  expectedSha256: string,
  name = 'row shard',
): ExampleShardReader {
  const { bytes: aligned, header, corrupt } = verifiedShard(bytes, expectedSha256, name, format);
  const numRows = header[3]!;
  const countsAt = 4 * headerWords;
  const sequencesAt = countsAt + 2 * evenLength(numRows);
  if (sequencesAt > aligned.length) throw corrupt('header and size disagree');
  const counts = new Uint16Array(aligned.buffer, aligned.byteOffset + countsAt, numRows);
  const sequences = openExampleShard(aligned.subarray(sequencesAt), undefined, name);
  const rows = createStarts(counts.slice());
  if (rows.end !== sequences.numExamples) throw corrupt('rows and sequences disagree');
  const reader = readerOf(rows, sequences, corrupt);
  for (let row = 0; row < numRows; row++) {
    const isSound =
      counts[row]! > 0 &&
      reader.countOf('numTokens', row) <= sequences.maxSeqLength &&
      reader.countOf('maskedWeight', row) <= sequences.maxPredictions;
    if (!isSound) throw corrupt(`row ${row} cannot be`);
  }
  return reader;
}

/** @param rows - where the sequences of each begin */
function readerOf(
  rows: Starts,
  sequences: PretrainingShardReader,
  corrupt: (what: string) => BerthError,
): ExampleShardReader {
  return {
    numExamples: rows.counts.length,
    numTokens: sequences.numTokens,
    numPredictions: sequences.numPredictions,
    countOf: (sum, row) => {
      if (sum === 'numExamples') return 1;
      if (sum === 'numSequences') return rows.counts[row]!;
      const first = rows.at(row);
      let total = 0;
      for (let sequence = first; sequence < first + rows.counts[row]!; sequence++)
        total += sequences.countOf(sum, sequence);
      return total;
    },
    copyInto: (batch, row, example) => {
      requireRoom(batch, sequences, corrupt);
      clearRow(batch, row);
      const sequenceIds = columnOf(batch, sequenceColumn.name);
      const firstSequence = rows.at(example);
      const firstToken = row * batch.seqLength;
      const { sequenceStarts, nextSentenceLabels, nextSentenceWeights } = batch.columns;
      const numSlots = columnOf(batch, 'maskedIds').length / batch.batchSize;
      let [numTokens, numPredictions] = [0, 0];
      for (let number = 0; number < rows.counts[example]!; number++) {
        const sequence = firstSequence + number;
        sequences.copyBehind(batch, row, { numTokens, numPredictions }, sequence);
        const slot = row * numSlots + number;
        sequenceStarts?.fill(numTokens, slot, slot + 1);
        nextSentenceLabels?.fill(sequences.labelOf(sequence), slot, slot + 1);
        nextSentenceWeights?.fill(1, slot, slot + 1);
        const from = firstToken + numTokens;
        numTokens += sequences.countOf('numTokens', sequence);
        numPredictions += sequences.countOf('maskedWeight', sequence);
        sequenceIds.fill(number, from, firstToken + numTokens);
      }
    },
    kept: async (keep) => readerOf(rows, await sequences.kept(keep), corrupt),
  };
}

function evenLength(length: number): number {
  return length + (length % 2);
}
