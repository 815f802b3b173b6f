import {
  allocateBatch,
  columnOf,
  sha256Hex,
  tasks,
  type ExampleBatch,
  type ObjectStore,
} from '@berth/contracts';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createScratch } from '../../scratch/scratch.ts';
import type { Example } from './example.ts';
import { readExampleShard } from '../../examples/example-job.ts';
import { encodeExampleShard, openExampleShard } from './example-shard.ts';
import { pretrainingExamples } from './pretraining-examples.ts';

const facts = { exampleSetId: '0123456789abcdef'.repeat(4), maxSeqLength: 16, maxPredictions: 4 };

const id = fc.nat(0xffff);
/** Of a vocabulary of 16 bits, or of one that needs more. */
const ids = fc.oneof(
  fc.uint16Array({ minLength: 5, maxLength: facts.maxSeqLength }),
  fc.uint32Array({ minLength: 5, maxLength: facts.maxSeqLength, max: 2 ** 20 }),
);
const anExample: fc.Arbitrary<Example> = fc
  .record({
    ids,
    split: fc.nat(0xffff),
    masked: fc.array(fc.tuple(fc.nat(0xffff), id), { maxLength: facts.maxPredictions }),
    isRandomNext: fc.boolean(),
  })
  .map(({ ids, split, masked, isRandomNext }) => ({
    ids,
    numFirstSegment: 3 + (split % (ids.length - 4)),
    maskedPositions: masked.map(([position]) => position % ids.length),
    maskedLabels: masked.map(([, label]) => label),
    isRandomNext,
  }));
const someExamples = fc.array(anExample, { maxLength: 12 });

function batchFor(
  { length: batchSize }: readonly Example[],
  maxSeqLength: number,
  maxPredictions: number,
): ExampleBatch {
  return allocateBatch(tasks.pretraining, { batchSize, maxSeqLength, maxPredictions });
}

/** What a batch must hold for these examples, written the slow way. */
function expectedBatch(
  examples: readonly Example[],
  seqLength: number,
  slots: number,
): ExampleBatch {
  const batch = batchFor(examples, seqLength, slots);
  const column = (name: string): ReturnType<typeof columnOf> => columnOf(batch, name);
  for (const [row, example] of examples.entries()) {
    for (const [i, token] of example.ids.entries()) {
      column('inputIds')[row * seqLength + i] = token;
      column('inputMask')[row * seqLength + i] = 1;
      column('segmentIds')[row * seqLength + i] = i < example.numFirstSegment ? 0 : 1;
    }
    for (let i = 0; i < example.maskedPositions.length; i++) {
      column('maskedPositions')[row * slots + i] = example.maskedPositions[i] ?? -1;
      column('maskedIds')[row * slots + i] = example.maskedLabels[i] ?? -1;
      column('maskedWeights')[row * slots + i] = 1;
    }
    column('nextSentenceLabels')[row] = example.isRandomNext ? 1 : 0;
  }
  return batch;
}

describe('example shards', () => {
  it.each([
    ['in memory', undefined],
    ['in files', createScratch({ thresholdBytes: 0, onTrouble: expect.unreachable as never })],
  ])('give back what was packed, over whatever a reused batch held before, %s', async (_, keep) => {
    const property = async (examples: Example[]): Promise<void> => {
      const bytes = encodeExampleShard(examples, facts);
      const opened = openExampleShard(bytes, sha256Hex(bytes));
      const reader = keep === undefined ? opened : await opened.kept(keep);
      // It needs them no more.
      if (keep !== undefined) bytes.fill(0);
      expect(reader).toMatchObject({ ...facts, numExamples: examples.length });
      const batch = batchFor(examples, 20, 6);
      for (const column of Object.values(batch.columns)) column.fill(7);
      for (const row of examples.keys()) reader.copyInto(batch, row, row);
      expect(batch).toEqual(expectedBatch(examples, 20, 6));

      const numPredictions = examples.reduce((sum, e) => sum + e.maskedPositions.length, 0);
      expect(reader.numPredictions).toBe(numPredictions);
      const countsOf = (sum: string): number[] => examples.map((_, i) => reader.countOf(sum, i));
      expect(countsOf('maskedWeight')).toEqual(examples.map((e) => e.maskedPositions.length));
      expect(countsOf('numTokens')).toEqual(examples.map(({ ids }) => ids.length));
      expect(countsOf('numExamples')).toEqual(examples.map(() => 1));
    };
    await fc.assert(fc.asyncProperty(someExamples, property));
  });

  it('have the same bytes for the same examples, at any place in memory', () => {
    fc.assert(
      fc.property(someExamples, fc.nat(7), (examples, shift) => {
        const bytes = encodeExampleShard(examples, facts);
        expect(encodeExampleShard(examples, facts)).toEqual(bytes);
        const moved = new Uint8Array(bytes.length + shift).subarray(shift);
        moved.set(bytes);
        expect(openExampleShard(moved, sha256Hex(bytes)).numTokens).toBe(
          openExampleShard(bytes, sha256Hex(bytes)).numTokens,
        );
      }),
    );
  });

  it('are refused after any change of a byte', () => {
    fc.assert(
      fc.property(someExamples, fc.nat(), fc.integer({ min: 1, max: 255 }), (examples, at, xor) => {
        const bytes = new Uint8Array(encodeExampleShard(examples, facts));
        const digest = sha256Hex(bytes);
        const place = at % bytes.length;
        bytes[place] = (bytes[place] ?? 0) ^ xor;
        expect(() => openExampleShard(bytes, digest)).toThrow(corrupt);
      }),
    );
  });

  it('are refused when cut short or lengthened, even with a digest that fits', () => {
    fc.assert(
      fc.property(someExamples, fc.nat(), (examples, at) => {
        const bytes = encodeExampleShard(examples, facts);
        const short = bytes.slice(0, at % bytes.length);
        const long = new Uint8Array([...bytes, 0, 0]);
        expect(() => openExampleShard(short, sha256Hex(bytes))).toThrow(corrupt);
        expect(() => openExampleShard(short, sha256Hex(short))).toThrow(corrupt);
        expect(() => openExampleShard(long, sha256Hex(long))).toThrow(corrupt);
      }),
    );
  });

  it('are refused when their record counts other examples', async () => {
    const [example] = fc.sample(anExample, { numRuns: 1, seed: 2 });
    const bytes = encodeExampleShard([example!], facts);
    const sha256 = sha256Hex(bytes);
    const { numTokens, numPredictions } = openExampleShard(bytes, sha256);
    const store = { get: async () => bytes } as Partial<ObjectStore> as ObjectStore;
    const record = { numExamples: 1, numTokens, numPredictions };
    const read = (change: Partial<typeof record>): Promise<unknown> =>
      readExampleShard(
        store,
        {
          split: 'train',
          epoch: 0,
          shard: 0,
          key: 'k',
          sha256,
          sizeBytes: bytes.length,
          ...record,
          ...change,
        },
        pretrainingExamples,
      );
    await expect(read({})).resolves.toMatchObject({ numExamples: 1 });
    for (const change of [{ numExamples: 2 }, { numTokens: 9_999 }, { numPredictions: 99 }])
      await expect(read(change)).rejects.toThrow(corrupt);
  });

  it('are refused when magic, version or counts are wrong, even with a digest that fits', () => {
    const [example] = fc.sample(anExample, { numRuns: 1, seed: 1 });
    const bytes = encodeExampleShard(example === undefined ? [] : [example], facts);
    for (const word of [0, 1, 2, 3, 4, 5]) {
      const changed = new Uint8Array(bytes);
      new Uint32Array(changed.buffer, 0, 16)[word]! += 2;
      expect(() => openExampleShard(changed, sha256Hex(changed))).toThrow(corrupt);
    }
    // Two tokens fewer and one prediction more keep the size, but not the sums.
    const shifted = new Uint8Array(bytes);
    const header = new Uint32Array(shifted.buffer, 0, 16);
    header[4]! -= 2;
    header[5]! += 1;
    expect(() => openExampleShard(shifted, sha256Hex(shifted))).toThrow(corrupt);
  });
});

const corrupt = expect.objectContaining({ code: 'DATA_SHARD_CORRUPT' }) as Error;
