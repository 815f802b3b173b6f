import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  allocateBatch,
  columnOf,
  fineTuningTask,
  sha256Hex,
  type ExampleBatch,
  type FineTuning,
} from '@berth/contracts';
import { afterAll, describe, expect, it } from 'vitest';
import { readExampleShard } from '../../examples/example-job.ts';
import { exampleSetPrefix } from '../../examples/example-keys.ts';
import type { RowSource } from '../../rows/row.ts';
import { epochShardsOf } from '../../sampling/epoch-shards.ts';
import { createScratch } from '../../scratch/scratch.ts';
import { createSampler } from '../../sampling/sampler.ts';
import { folderStore, temporaryFolder } from '../../testing/example-fixture.ts';
import { collect, rowsOf } from '../../testing/row-fixture.ts';
import { createSpanTokenizer } from '../../text/span-tokenizer.ts';
import { createTokenizer } from '../../text/tokenizer.ts';
import { createVocabulary, specialTokens } from '../../text/vocabulary.ts';
import { answerWindows } from '../answer/answer-windows.ts';
import { classifyExamples } from '../classify/classify-examples.ts';
import { regressExamples } from '../regress/regress-examples.ts';
import { tagExamples } from '../tag/tag-examples.ts';
import { labelledExamples } from './labelled-examples.ts';
import { buildLabelledShard } from './labelled-shard.ts';
import { makeLabelledShards, type LabelledShardsRequest } from './make-labelled-shards.ts';
import { copyTaskExample, type TaskExample } from './task-example.ts';

const folder = temporaryFolder();
afterAll(() => rm(folder, { recursive: true }));
let numStores = 0;
const newStore = (): ReturnType<typeof folderStore> =>
  folderStore(join(folder, String(numStores++)));

const vocabulary = createVocabulary([...specialTokens, 'a', 'cat', 'b', '##s']);
const tokenizer = createTokenizer(vocabulary, { doLowerCase: true });
const [maxSeqLength, numShards, numRows] = [12, 3, 20];
const common = { tokenizer, maxSeqLength };
const labels = ['x', 'y', 'z'];
const classWeights = [1, 0.7, 0];

const rows = (of: (row: number) => Record<string, unknown>): RowSource =>
  rowsOf(...Array.from({ length: numRows }, (_, row) => of(row)));
const textOf = (row: number): string => `a ${'cats b '.repeat(row % 4)}`;
const labelOf = (row: number): string => labels[(row * row) % labels.length]!;

const kinds: Record<FineTuning['kind'], [FineTuning, () => AsyncIterable<TaskExample>]> = {
  classify: [
    { kind: 'classify', labels },
    () =>
      classifyExamples(
        rows((row) => ({ text: textOf(row), pair: 'b', label: labelOf(row) })),
        { ...common, labels, classWeights },
      ),
  ],
  'classify-many': [
    { kind: 'classify-many', labels },
    () =>
      classifyExamples(
        rows((row) => ({ text: textOf(row), label: labels.slice(row % 4) })),
        { ...common, labels, classWeights, hasMany: true },
      ),
  ],
  regress: [
    { kind: 'regress' },
    () =>
      regressExamples(
        rows((row) => ({ text: textOf(row), score: row / 3 - 2 })),
        common,
      ),
  ],
  tag: [
    { kind: 'tag', labels },
    () =>
      tagExamples(
        rows((row) => {
          const tokens = textOf(row).trim().split(' ');
          return { tokens, tags: tokens.map((_, word) => labelOf(row + word)) };
        }),
        { ...common, labels, classWeights },
      ),
  ],
  answer: [
    { kind: 'answer' },
    () =>
      answerWindows(
        rows((row) => ({
          question: 'a',
          context: `${textOf(row)} cat b b b`,
          answers: row % 3 === 0 ? [] : [{ text: 'a', answer_start: 0 }],
        })),
        {
          ...common,
          tokenizeSpans: createSpanTokenizer(vocabulary, { doLowerCase: true }),
          docStride: 4,
          maxQueryLength: 4,
        },
      ),
  ],
};

const corrupt = expect.objectContaining({ code: 'DATA_SHARD_CORRUPT' }) as Error;

/** A batch of one example, over whatever was there before. */
function batchWith(fineTuning: FineTuning, write: (batch: ExampleBatch) => void): ExampleBatch {
  const shape = { batchSize: 1, maxSeqLength: maxSeqLength + 2, maxPredictions: 1 };
  const batch = allocateBatch(fineTuningTask(fineTuning), shape);
  for (const column of Object.values(batch.columns)) column.fill(7);
  write(batch);
  return batch;
}

const textOfBatch = ({ columns }: ExampleBatch): string =>
  JSON.stringify(Object.entries(columns).map(([name, values]) => [name, ...values]));

describe.each(Object.keys(kinds) as FineTuning['kind'][])('examples of %s as shards', (kind) => {
  const [fineTuning, examples] = kinds[kind];
  const format = labelledExamples(fineTuning);
  const request = { fineTuning, maxSeqLength, numShards } as const;
  const both = (): Pick<LabelledShardsRequest, 'train' | 'heldOut'> => ({
    train: examples(),
    heldOut: examples(),
  });

  it.each([
    ['memory', undefined],
    ['files', createScratch({ thresholdBytes: 0, onTrouble: expect.unreachable as never })],
  ])(
    'are read back into %s as they were made, with what losses are divided by',
    async (_, keep) => {
      const store = newStore();
      const { train: shards } = await makeLabelledShards(store, { ...request, ...both() });
      const made = await collect(examples());
      const expected = made.map((one) =>
        batchWith(fineTuning, (batch) => copyTaskExample(batch, 0, one)),
      );
      const read: ExampleBatch[] = [];
      for (const shard of shards) {
        const reader = await readExampleShard(store, shard, format, keep);
        expect(reader.numExamples).toBeGreaterThan(2);
        expect(reader.numPredictions).toBe(shard.numPredictions);
        let numTokens = 0;
        for (let example = 0; example < reader.numExamples; example++) {
          const batch = batchWith(fineTuning, (one) => reader.copyInto(one, 0, example));
          read.push(batch);
          const total = (name: string): number =>
            Array.from(columnOf(batch, name)).reduce((sum, value) => sum + value, 0);
          numTokens += total('inputMask');
          expect(reader.countOf('numTokens', example)).toBe(total('inputMask'));
          for (const { over } of [...format.task.losses, ...format.task.metrics])
            expect(reader.countOf(over.sum, example)).toBeCloseTo(
              over.sum === 'labelWeight'
                ? total('labelWeights')
                : over.sum === 'numLabelled'
                  ? columnOf(batch, 'labelWeights').filter((weight) => weight > 0).length
                  : 1,
              6,
            );
        }
        expect(reader.numTokens).toBe(numTokens);
      }
      expect(read.map(textOfBatch).toSorted()).toEqual(expected.map(textOfBatch).toSorted());
    },
  );

  it('come in an order of the seed, all of them once an epoch', async () => {
    const { train: shards } = await makeLabelledShards(newStore(), { ...request, ...both() });
    const numExamples = shards.reduce((sum, shard) => sum + shard.numExamples, 0);
    const order = async (seed: number, epoch: number): Promise<string[]> => {
      const sampler = createSampler({
        seed,
        shardsOf: epochShardsOf({ train: shards, seed }),
        windowShards: 2,
        counts: async (_, shard) => shards[shard]!.numExamples,
      });
      const { examples: drawn } = await sampler.locate({ epoch, index: 0 }, numExamples);
      return drawn.map(({ shard, example }) => `${shard}/${example}`);
    };
    const first = await order(1, 0);
    expect(new Set(first).size).toBe(numExamples);
    expect(await order(1, 0)).toEqual(first);
    for (const other of [await order(1, 1), await order(2, 0)]) {
      expect(other).not.toEqual(first);
      expect(other.toSorted()).toEqual(first.toSorted());
    }
  });

  it('are made again when a shard is damaged or gone, the same', async () => {
    const store = newStore();
    const {
      exampleSetId,
      train: shards,
      heldOut,
    } = await makeLabelledShards(store, {
      ...request,
      ...both(),
    });
    const again = { ...request, exampleSetId };
    const [, damaged, gone] = shards;
    const bytes = new Uint8Array(await store.get(damaged!.key));
    bytes[bytes.length - 1]! ^= 1;
    await store.put(damaged!.key, bytes);
    await store.delete(gone!.key);
    await expect(readExampleShard(store, damaged!, format)).rejects.toThrow(corrupt);
    await expect(makeLabelledShards(store, { ...again, ...both() })).rejects.toThrow(
      /holds other bytes than the same work gives now; delete it/,
    );
    await store.delete(damaged!.key);
    const made = await makeLabelledShards(store, { ...again, ...both() });
    expect(made).toEqual({ exampleSetId, train: shards, heldOut });
    for (const shard of shards) await readExampleShard(store, shard, format);
  });

  it('are refused when a number is one that no example has, even with a digest that fits', async () => {
    const [example] = await collect(examples());
    const builder = buildLabelledShard(fineTuning, maxSeqLength);
    builder.add(example!);
    const sound = builder.bytes('ab'.repeat(32));
    expect(format.open(sound, sha256Hex(sound)).numExamples).toBe(1);
    const changed = (change: (words: Uint32Array, numbers: Float32Array) => void): void => {
      const bytes = new Uint8Array(sound);
      change(new Uint32Array(bytes.buffer, 0, 16), new Float32Array(bytes.buffer, 64, 1));
      expect(() => format.open(bytes, sha256Hex(bytes))).toThrow(corrupt);
    };
    for (const word of [0, 1, 2, 3, 4, 5, 6]) changed((words) => (words[word]! += 1));
    changed((words) => (words[7] = 2));
    changed((_, numbers) => (numbers[0] = NaN));
    if (kind !== 'regress') changed((_, numbers) => (numbers[0] = 99));
    for (const cut of [0, 8, 63, 66, sound.length - 2]) {
      const short = sound.slice(0, cut);
      expect(() => format.open(short, sha256Hex(short))).toThrow(corrupt);
    }
  });
});

describe('labelled shards', () => {
  const [fineTuning, examples] = kinds.classify;
  const request = { fineTuning, maxSeqLength, numShards } as const;
  const both = (): Pick<LabelledShardsRequest, 'train' | 'heldOut'> => ({
    train: examples(),
    heldOut: examples(),
  });

  it('are not made of other rows than before, and nothing is stored of bad ones', async () => {
    const store = newStore();
    const { exampleSetId } = await makeLabelledShards(store, { ...request, ...both() });
    const other = (label: string): AsyncIterable<TaskExample> =>
      classifyExamples(rowsOf({ text: 'a', label }), { ...common, labels });
    await expect(
      makeLabelledShards(store, {
        ...request,
        exampleSetId,
        train: other('x'),
        heldOut: examples(),
      }),
    ).rejects.toMatchObject({ code: 'DATA_MISMATCH' });
    await expect(
      makeLabelledShards(store, { ...request, train: other('w'), heldOut: examples() }),
    ).rejects.toMatchObject({ code: 'DATA_INPUT_INVALID' });
    const stored = (await store.list('')).map(({ key }) => key);
    expect(stored).toHaveLength(numShards + 1);
    expect(stored.every((key) => key.startsWith(exampleSetPrefix(exampleSetId)))).toBe(true);
  });

  it('are others for other labels, lengths and numbers of shards', async () => {
    const store = newStore();
    const ids = await Promise.all(
      [
        {},
        { fineTuning: { kind: 'classify', labels: ['x', 'y', 'w'] } as const },
        { maxSeqLength: maxSeqLength + 1 },
        { numShards: numShards + 1 },
      ].map((change) =>
        makeLabelledShards(store, { ...request, ...change, ...both() }).then(
          ({ exampleSetId }) => exampleSetId,
        ),
      ),
    );
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('hold ids of 32 bits', () => {
    const builder = buildLabelledShard(fineTuning, maxSeqLength);
    const place = { path: 'rows', at: 'line 1' };
    const columns = { labels: 1, labelWeights: 1 };
    const made = [
      [2, 5, 3],
      [2, 119_546, 5, 3],
    ].map((ids) => ({ place, ids, numFirstSegment: 3, columns }));
    for (const one of made) builder.add(one);
    const bytes = builder.bytes('ab'.repeat(32));
    const reader = labelledExamples(fineTuning).open(bytes, sha256Hex(bytes));
    for (const [index, one] of made.entries())
      expect(batchWith(fineTuning, (batch) => reader.copyInto(batch, 0, index))).toEqual(
        batchWith(fineTuning, (batch) => copyTaskExample(batch, 0, one)),
      );
  });

  it('have no examples of another task, without labels, or too long', async () => {
    const builder = buildLabelledShard(fineTuning, 4);
    const place = { path: 'rows', at: 'line 1' };
    const example = { place, ids: [2, 5, 3], numFirstSegment: 3, columns: {} };
    const internal = expect.objectContaining({ code: 'INTERNAL' }) as Error;
    expect(() => builder.add(example)).toThrow(internal);
    const known = { labels: 1, labelWeights: 1 };
    expect(() => builder.add({ ...example, columns: { labels: [1, 1], labelWeights: 1 } })).toThrow(
      internal,
    );
    expect(() => builder.add({ ...example, columns: known, ids: [2, 5, 5, 5, 3] })).toThrow(
      internal,
    );
    builder.add({ ...example, columns: known });
  });
});
