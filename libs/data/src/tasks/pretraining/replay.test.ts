import { rm } from 'node:fs/promises';
import {
  columnOf,
  sha256Hex,
  taskNameOf,
  type ExamplesConfig,
  type ExampleShard,
} from '@berth/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readDocumentShard } from '../../dataset/read-dataset.ts';
import { batchOf } from '../../examples/batch.ts';
import { makeExampleShard, readExampleShard } from '../../examples/example-job.ts';
import { epochShardsOf } from '../../sampling/epoch-shards.ts';
import { createSampler } from '../../sampling/sampler.ts';
import { taskExamples } from '../index.ts';
import { goldenExcerpt } from '../../testing/example-fixture.ts';
import { preparedExcerpt, type PreparedDataset } from '../../testing/prepared-fixture.ts';
import { replayExamples, type ExamplesOfSet } from '../../replay/replay-examples.ts';

const { vocabulary } = goldenExcerpt();
let prepared: PreparedDataset;
beforeAll(async () => {
  prepared = await preparedExcerpt();
});
afterAll(() => rm(prepared.folder, { recursive: true }));

/** All shards of the first epochs, stored as workers do. */
async function storeEpochs(set: ExamplesOfSet): Promise<Map<string, ExampleShard>> {
  const shards = new Map<string, ExampleShard>();
  for (const epoch of [0, 1])
    for (const shard of prepared.manifest.train.keys()) {
      const job = { kind: 'examples', ...set, split: 'train', epoch, shard } as const;
      shards.set(`${epoch}/${shard}`, await makeExampleShard(prepared.store, job));
    }
  return shards;
}

const settings: readonly [string, Partial<ExamplesConfig>, string | undefined][] = [
  ['pairs within a shard', {}, undefined],
  ['pairs of a window', {}, 'berth-examples/2'],
  ['packed sentences', { nextSentence: false }, undefined],
  ["Google's", { mode: 'google', dupeFactor: 2 }, undefined],
  ['rows of pairs', { sequencesPerRow: 4, maxPredictions: 60 }, undefined],
];

describe('a replay', () => {
  it.each(settings)('has the examples that trained, with their text: %s', async (_, ...how) => {
    const { store, manifest } = prepared;
    const set = prepared.setOf(...how);
    const shards = await storeEpochs(set);
    const format = taskExamples[taskNameOf(set.examples)];
    const total = [...shards.values()].reduce((sum, { numExamples }) => sum + numExamples, 0);
    const from = { epoch: 0, index: Math.floor(total / 4) };
    const count = Math.min(40, Math.floor(total / 2));
    const sampler = createSampler({
      seed: set.seed,
      shardsOf: epochShardsOf({ ...manifest, ...set.examples, seed: set.seed }),
      windowShards: 2,
      counts: async (epoch, shard) => shards.get(`${epoch}/${shard}`)!.numExamples,
    });
    const located = await sampler.locate(from, count);
    const options = { store, manifest, set };
    const replay = await replayExamples(
      { ...options, known: async (epoch, shard) => shards.get(`${epoch}/${shard}`) },
      from,
      count,
    );
    // What has expired is made again: nothing else is different.
    const expired = await replayExamples({ ...options, known: async () => undefined }, from, count);
    expect(expired).toEqual(replay);
    expect(replay.next).toEqual(located.next);
    expect(replay.examples.map(({ epoch, shard, example }) => ({ epoch, shard, example }))).toEqual(
      located.examples,
    );
    for (const shown of replay.examples) {
      const shard = shards.get(`${shown.epoch}/${shown.shard}`)!;
      const reader = await readExampleShard(store, shard, format);
      const row = { reader, example: shown.example };
      const ids = columnOf(batchOf(format.task, set.examples, [row]), 'inputIds');
      expect(shown.ids).toEqual([...ids.subarray(0, shown.ids.length)]);
      expect(ids.subarray(shown.ids.length).every((id) => id === 0)).toBe(true);
      const words = [...shown.tokens];
      for (const { position, token } of shown.labels) words[position] = token;
      expect(shown.labels.length).toBeGreaterThan(0);
      // Each sequence begins with [CLS], and each of its segments ends with [SEP].
      for (const [index, { position, numTokens, sequence }] of shown.segments.entries()) {
        const before = shown.segments[index - 1];
        expect(position).toBe(before === undefined ? 0 : before.position + before.numTokens);
        expect(words[position] === '[CLS]').toBe(sequence !== before?.sequence);
        expect(words.slice(position, position + numTokens).indexOf('[SEP]')).toBe(numTokens - 1);
      }
      expect(shown.segments.at(-1)!.sequence).toBeLessThan(set.examples.sequencesPerRow);
      for (const source of shown.sources) {
        const documents = await readDocumentShard(store, manifest.train[source.shard]!);
        const { sentenceStarts, documentStarts } = documents;
        const sentence = documentStarts[source.document]!;
        const start = sentenceStarts[sentence]! + source.firstToken;
        const text = documents.tokens.subarray(start, start + source.numTokens);
        expect(words.slice(source.position, source.position + source.numTokens)).toEqual(
          Array.from(text, (id) => vocabulary.tokens[id]),
        );
        const first = sentence + source.firstSentence;
        expect(sentenceStarts[first]!).toBeLessThanOrEqual(start);
        expect(sentenceStarts[first + 1]!).toBeGreaterThan(start);
        const end = first + source.numSentences;
        expect(end).toBeLessThanOrEqual(documentStarts[source.document + 1]!);
        expect(sentenceStarts[end]!).toBeGreaterThanOrEqual(start + source.numTokens);
      }
    }
    const numTokens = replay.examples.reduce((sum, { ids }) => sum + ids.length, 0);
    const numLabels = replay.examples.reduce((sum, { labels }) => sum + labels.length, 0);
    expect(replay.sums).toMatchObject({ numExamples: count, numTokens, maskedWeight: numLabels });
  });

  it('refuses to be other than what is stored', async () => {
    const { store, manifest } = prepared;
    const set = prepared.setOf({});
    const shards = await storeEpochs(set);
    const known = async (epoch: number, shard: number): Promise<ExampleShard> => ({
      ...shards.get(`${epoch}/${shard}`)!,
      sha256: sha256Hex('other'),
    });
    const from = { epoch: 0, index: 0 };
    await expect(replayExamples({ store, manifest, set, known }, from, 4)).rejects.toMatchObject({
      code: 'DATA_SHARD_CORRUPT',
    });
  });
});
