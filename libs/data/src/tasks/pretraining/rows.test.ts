import { allocateBatch, columnOf, parseRunConfig, sha256Hex, tasks } from '@berth/contracts';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { packDocuments } from '../../dataset/document-shard.ts';
import { goldenExcerpt } from '../../testing/example-fixture.ts';
import { finish } from '../../text/work.ts';
import type { ExamplesRequest } from '../task-examples.ts';
import type { Example } from './example.ts';
import { generateExamples } from './generate.ts';
import { packRows } from './pack-rows.ts';
import { packedMaskedLmExamples, packedPretrainingExamples } from './packed-examples.ts';
import { encodingRowShard, openRowShard } from './row-shard.ts';

const { documents: excerpt, vocabulary } = goldenExcerpt();

/** Ids that occur once tell sequences apart. */
const manySequences = fc
  .array(fc.integer({ min: 3, max: 32 }), { minLength: 0, maxLength: 60 })
  .map((lengths) => {
    let id = 5;
    return lengths.map((length): Example => {
      const masked = Array.from({ length: Math.ceil(length / 8) }, (_, index) => 1 + 4 * index);
      return {
        ids: Uint16Array.from({ length }, () => id++),
        numFirstSegment: length,
        maskedPositions: masked.filter((position) => position < length),
        maskedLabels: masked.filter((position) => position < length).map((at) => 2000 + id + at),
        isRandomNext: false,
      };
    });
  });
const sizesOf = fc.record({
  maxSeqLength: fc.constant(32),
  maxPredictions: fc.integer({ min: 4, max: 12 }),
  sequencesPerRow: fc.integer({ min: 1, max: 6 }),
});

describe('rows of several sequences', () => {
  it('have each sequence once, within their room, and none that would fit into another', () => {
    fc.assert(
      fc.property(manySequences, sizesOf, (sequences, sizes) => {
        const rows = [...packRows(sequences, sizes)];
        expect(new Set(rows.flat())).toEqual(new Set(sequences));
        expect(rows.flat()).toHaveLength(sequences.length);
        expect([...packRows(sequences, sizes)]).toEqual(rows);
        const sumOf = (row: readonly Example[], size: (example: Example) => number): number =>
          row.reduce((sum, example) => sum + size(example), 0);
        const sizeOf = (row: readonly Example[]): [number, number, number] => [
          sumOf(row, ({ ids }) => ids.length),
          sumOf(row, ({ maskedPositions }) => maskedPositions.length),
          row.length,
        ];
        const limits = [sizes.maxSeqLength, sizes.maxPredictions, sizes.sequencesPerRow];
        const fits = (row: readonly Example[]): boolean =>
          sizeOf(row).every((size, index) => size <= limits[index]!);
        expect(rows.every(fits)).toBe(true);
        for (const [index, [first]] of rows.entries())
          expect(rows.slice(0, index).some((row) => fits([...row, first!]))).toBe(false);
      }),
    );
  });

  it('are read as they were written, over whatever a reused batch held before', () => {
    fc.assert(
      fc.property(manySequences, sizesOf, (sequences, sizes) => {
        const rows = [...packRows(sequences, sizes)];
        const facts = { ...sizes, exampleSetId: 'ab'.repeat(32) };
        const bytes = finish(encodingRowShard(rows, facts));
        const reader = openRowShard(bytes, sha256Hex(bytes));
        expect(reader.numExamples).toBe(rows.length);
        expect(reader.numTokens).toBe(rows.flat().reduce((sum, { ids }) => sum + ids.length, 0));
        const batch = allocateBatch(tasks.packedMaskedLm, { batchSize: 2, ...sizes });
        for (const column of Object.values(batch.columns)) column.fill(77);
        for (const [index, row] of rows.entries()) {
          reader.copyInto(batch, 1, index);
          const numbers = (name: string, size: number): number[] => [
            ...columnOf(batch, name).subarray(size, 2 * size),
          ];
          const ofTokens = (name: string): number[] => numbers(name, sizes.maxSeqLength);
          const ofSlots = (name: string): number[] => numbers(name, sizes.maxPredictions);
          const padded = (values: number[], length: number): number[] => [
            ...values,
            ...Array<number>(length - values.length).fill(0),
          ];
          const tokens = row.flatMap(({ ids }) => [...ids]);
          const starts = row.map((_, at) =>
            row.slice(0, at).reduce((sum, { ids }) => sum + ids.length, 0),
          );
          const places = row.flatMap(({ maskedPositions }, at) =>
            Array.from(maskedPositions, (position) => position + starts[at]!),
          );
          expect(ofTokens('inputIds')).toEqual(padded(tokens, 32));
          expect(ofTokens('inputMask')).toEqual(padded(tokens.map(() => 1), 32)); // oxfmt-ignore
          expect(ofTokens('segmentIds')).toEqual(padded([], 32));
          expect(ofTokens('sequenceIds')).toEqual(
            padded(row.flatMap(({ ids }, at) => Array.from(ids, () => at)), 32), // oxfmt-ignore
          );
          expect(ofSlots('maskedPositions')).toEqual(padded(places, sizes.maxPredictions));
          expect(reader.countOf('numTokens', index)).toBe(tokens.length);
          expect(reader.countOf('maskedWeight', index)).toBe(places.length);
          expect(reader.countOf('numExamples', index)).toBe(1);
        }
      }),
    );
  });

  it('are refused where bytes are others, or hold what no row can be', () => {
    const sizes = { maxSeqLength: 8, maxPredictions: 4, exampleSetId: 'ab'.repeat(32) };
    const sequence = (length: number): Example => ({
      ids: new Uint16Array(length),
      numFirstSegment: length,
      maskedPositions: [1],
      maskedLabels: [7],
      isRandomNext: false,
    });
    const open =
      (bytes: Uint8Array, sha256 = sha256Hex(bytes)) =>
      () =>
        openRowShard(bytes, sha256);
    const sound = finish(encodingRowShard([[sequence(3), sequence(4)]], sizes));
    expect(open(sound)().numExamples).toBe(1);
    const corrupt = (message: string): unknown =>
      expect.objectContaining({ code: 'DATA_SHARD_CORRUPT', message: expect.stringContaining(message) }); // oxfmt-ignore
    expect(open(sound, '0'.repeat(64))).toThrow(corrupt('sha256 is'));
    expect(open(sound.subarray(0, 40))).toThrow(corrupt('row shard'));
    const many = Buffer.from(sound);
    many.writeUInt32LE(1 << 30, 12);
    expect(open(many)).toThrow(corrupt('header and size disagree'));
    const tooLong = finish(encodingRowShard([[sequence(5), sequence(5)]], sizes));
    expect(open(tooLong)).toThrow(corrupt('row 0 cannot be'));
    expect(open(finish(encodingRowShard([[]], sizes)))).toThrow(corrupt('row 0 cannot be'));
  });
});

/** Of a shard of examples. */
const place = {
  exampleSetId: '0'.repeat(64),
  split: 'train',
  seed: 7,
  epoch: 1,
  shard: 0,
} as const;

describe('packed masked LM examples', () => {
  const short = excerpt.flatMap((document) =>
    Array.from({ length: Math.ceil(document.length / 3) }, (_, index) =>
      document.slice(3 * index, 3 * index + 3),
    ),
  );
  const { examples: settings } = parseRunConfig(
    {
      name: 'a',
      corpus: { path: 'x' },
      examples: { nextSentence: false, sequencesPerRow: 16, maxSeqLength: 512, maxPredictions: 80 },
      model: { maxPositions: 512 },
    },
    'test',
  );
  const request: ExamplesRequest = {
    documents: packDocuments(short),
    vocabulary,
    settings,
    ...place,
  };

  it('keep their stream to the bit, and are nearly full of short documents', () => {
    const { make, open } = packedMaskedLmExamples;
    const bytes = finish(make(request));
    const reader = open(bytes, sha256Hex(bytes));
    expect(sha256Hex(bytes)).toBe(
      'd21685fe5e1fc2dea148dfb4533f41c1d8d38e7e793b88408cb29c1560618385',
    );
    expect(reader.numTokens / (512 * reader.numExamples)).toBeGreaterThan(0.93);
    expect(() => make({ ...request, format: 'berth-packed-rows/2' })).toThrow(
      expect.objectContaining({ code: 'DATA_MISMATCH' }),
    );
  });
});

describe('packed pairs', () => {
  const { examples: settings } = parseRunConfig(
    {
      name: 'a',
      corpus: { path: 'x' },
      examples: { sequencesPerRow: 8, maxSeqLength: 512, maxPredictions: 80 },
      model: { maxPositions: 512 },
    },
    'test',
  );
  const request: ExamplesRequest = {
    documents: packDocuments(excerpt),
    vocabulary,
    settings,
    ...place,
  };
  const { task, make, open, baselines } = packedPretrainingExamples;

  it('have the label and the first token of each pair, and the pairs that are made without rows', () => {
    const bytes = finish(make(request));
    expect(sha256Hex(bytes)).toBe(
      'f059c7981b5bb210936e17bc78adf30575c7b7ce289feabd777ccde3e6e5e504',
    );
    const reader = open(bytes, sha256Hex(bytes));
    const pairs = [...generateExamples({ ...request, chancesBy: 'content' })];
    const meter = baselines(undefined);
    const found: string[] = [];
    for (let row = 0; row < reader.numExamples; row++) {
      const batch = allocateBatch(task, { batchSize: 1, ...settings });
      reader.copyInto(batch, 0, row);
      meter.add(batch);
      const [ids, starts, labels, weights] = [
        'inputIds',
        'sequenceStarts',
        'nextSentenceLabels',
        'nextSentenceWeights',
      ].map((name) => columnOf(batch, name)) as [Int32Array, Int32Array, Int32Array, Float32Array];
      const numPairs = reader.countOf('numSequences', row);
      expect([...weights]).toEqual(Array.from(weights, (_, pair) => Number(pair < numPairs)));
      for (let pair = 0; pair < numPairs; pair++) {
        expect(ids[starts[pair]!]).toBe(vocabulary.clsId);
        const end = pair + 1 < numPairs ? starts[pair + 1]! : reader.countOf('numTokens', row);
        const segments = columnOf(batch, 'segmentIds').subarray(starts[pair], end);
        const numFirst = segments.filter((segment) => segment === 0).length;
        found.push([...ids.subarray(starts[pair], end), numFirst, labels[pair]].join());
      }
    }
    const expected = pairs.map(({ ids, numFirstSegment, isRandomNext }) =>
      [...ids, numFirstSegment, Number(isRandomNext)].join(),
    );
    expect(found.sort()).toEqual(expected.sort());
    const random = pairs.filter(({ isRandomNext }) => isRandomNext).length / pairs.length;
    expect(meter.values()['next_sentence_accuracy_majority']).toBeCloseTo(
      Math.max(random, 1 - random),
    );
    expect(reader.numExamples).toBeLessThan(0.95 * pairs.length);
  });
});

it.each([
  [{ sequencesPerRow: 4, mode: 'google' }, 'examples.sequencesPerRow: examples.mode google knows'],
  [
    { sequencesPerRow: 4, nextSentence: false, packAcrossDocuments: true },
    'examples.packAcrossDocuments: the 4 sequences of an example are kept apart',
  ],
])('settings that do not go together are refused: %j', (examples, message) => {
  const config = { name: 'a', corpus: { path: 'x' }, examples };
  expect(() => parseRunConfig(config, 'test')).toThrow(message);
});
