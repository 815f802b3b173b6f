import { readdirSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  columnOf,
  datasetManifestSchema,
  examplesJobSchema,
  heldOutShardsOf,
  runConfigSchema,
  type ExampleShard,
  type ExamplesJob,
} from '@berth/contracts';
import { afterAll, describe, expect, it } from 'vitest';
import { rm } from 'node:fs/promises';
import { batchOf } from '../../examples/batch.ts';
import { exampleSetIdOf, makeExampleShard, readExampleShard } from '../../examples/example-job.ts';
import { pretrainingExamples } from './pretraining-examples.ts';
import { readDatasetManifest, readDocumentShard } from '../../dataset/read-dataset.ts';
import { epochShardsOf } from '../../sampling/epoch-shards.ts';
import { createSampler } from '../../sampling/sampler.ts';
import {
  folderStore,
  goldenBytes,
  goldenExcerpt,
  temporaryFolder,
} from '../../testing/example-fixture.ts';
import { createTokenTally } from '../../text/tokenizer.ts';
import type { TokenSentences } from '../../dataset/token-documents.ts';
import {
  datasetIdOf,
  writeDataset,
  type WriteDatasetOptions,
} from '../../dataset/write-dataset.ts';

const { documents: excerpt } = goldenExcerpt();
const settings = runConfigSchema.shape.examples.parse({});
const folders: string[] = [];

function newFolder(): string {
  const folder = temporaryFolder();
  folders.push(folder);
  return folder;
}
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))));

async function* streamOf(
  documents: readonly TokenSentences[],
): AsyncGenerator<{ sentences: TokenSentences }> {
  for (const sentences of documents) yield { sentences };
}

function datasetOptions(documents: readonly TokenSentences[]): WriteDatasetOptions {
  return {
    store: folderStore(newFolder()),
    prefix: 'datasets',
    documents: streamOf(documents),
    corpusFiles: Buffer.from(JSON.stringify(documents)),
    encoding: 'auto',
    corpusHealth: () => ({
      numFiles: 1,
      numBytes: 1,
      leftOut: { numEntries: 0, first: [] },
      encodings: { 'utf-8': 1 },
      numEmptyDocuments: 0,
      ...createTokenTally(),
    }),
    sentenceMode: 'lines',
    heldOutRatio: 0.1,
    vocabulary: goldenBytes('vocab-8192.txt'),
    doLowerCase: true,
    textRules: { unicode: '15.1', icu: '74.1' },
    numShards: 4,
    seed: 7,
    workFolder: newFolder(),
  };
}

function jobOf(manifestKey: string, datasetId: string, place: Partial<ExamplesJob>): ExamplesJob {
  const seed = 7;
  const exampleSetId = exampleSetIdOf(datasetId, settings, seed);
  const where = { split: 'train', epoch: 0, shard: 0, ...place } as const;
  return { kind: 'examples', exampleSetId, manifestKey, seed, examples: settings, ...where };
}

describe('writeDataset', () => {
  it('stores every document once, in full shards that the manifest proves', async () => {
    const options = datasetOptions(excerpt);
    const { manifest, manifestKey } = await writeDataset(options);
    expect(datasetManifestSchema.parse(manifest)).toEqual(manifest);
    expect(await readDatasetManifest(options.store, manifestKey)).toEqual(manifest);
    expect(manifest.datasetId).toBe(datasetIdOf(options));
    expect(manifest.vocabulary.numTokens).toBe(8192);
    expect(manifest.train).toHaveLength(4);

    const stored: string[] = [];
    for (const shard of [...manifest.train, ...heldOutShardsOf(manifest)]) {
      const { tokens, sentenceStarts, documentStarts } = await readDocumentShard(
        options.store,
        shard,
      );
      expect(documentStarts.length - 1).toBe(shard.numDocuments);
      expect(sentenceStarts.length - 1).toBe(shard.numSentences);
      expect(tokens.length).toBe(shard.numTokens);
      for (let d = 0; d < shard.numDocuments; d++) {
        const from = sentenceStarts[documentStarts[d] ?? -1];
        stored.push(tokens.subarray(from, sentenceStarts[documentStarts[d + 1] ?? -1]).join());
      }
    }
    const expected = excerpt.map((document) => document.flat().join());
    expect(stored.sort()).toEqual(expected.sort());
    expect(readdirSync(options.workFolder)).toEqual([]);
  });

  it('gives the same dataset for the same inputs, and does not read the corpus again', async () => {
    const first = datasetOptions(excerpt);
    const made = await writeDataset(first);
    expect(await writeDataset(datasetOptions(excerpt))).toEqual(made);
    const unread = interrupted(0);
    expect(await writeDataset({ ...first, documents: unread })).toEqual(made);
  });

  it.each([{ unicode: '16.0' }, { icu: '75.1' }])(
    'is another dataset where text is read by other rules: %j',
    async (change) => {
      const options = datasetOptions(excerpt);
      const textRules = { ...options.textRules, ...change };
      const { manifest } = await writeDataset({ ...options, textRules });
      expect(manifest.textRules).toEqual(textRules);
      expect(manifest.datasetId).not.toBe(datasetIdOf(options));
    },
  );

  it('stays readable, under its own id, when an older or a newer release made it', async () => {
    const options = datasetOptions(excerpt);
    const { manifest, manifestKey } = await writeDataset(options);
    const { textRules: _textRules, ...older } = { ...manifest, datasetId: 'a'.repeat(64) };
    const write = (text: object): Promise<unknown> =>
      options.store.put(manifestKey, Buffer.from(JSON.stringify(text)));
    await write(older);
    expect(await readDatasetManifest(options.store, manifestKey)).toEqual(older);
    await write({ ...manifest, ofLater: 1 });
    expect(await readDatasetManifest(options.store, manifestKey)).toEqual(manifest);
  });

  it.each(['datasets/other/vocab.txt', 'run-records/run.json', 'datasets/../x', '/vocab.txt'])(
    'names nothing that lies elsewhere, such as %s',
    async (key) => {
      const options = datasetOptions(excerpt);
      const { manifest, manifestKey } = await writeDataset(options);
      for (const forged of [
        { ...manifest, vocabulary: { ...manifest.vocabulary, key } },
        { ...manifest, heldOut: { ...manifest.heldOut!, key } },
        { ...manifest, train: [...manifest.train, { ...manifest.heldOut!, key }] },
      ]) {
        await options.store.put(manifestKey, Buffer.from(JSON.stringify(forged)));
        await expect(readDatasetManifest(options.store, manifestKey)).rejects.toMatchObject({
          code: 'DATA_SHARD_CORRUPT',
          message: expect.stringContaining(`it names ${key}`) as string,
        });
      }
    },
  );

  it('leaves no manifest when interrupted, and finishes when done again', async () => {
    const options = datasetOptions(excerpt);
    await expect(writeDataset({ ...options, documents: interrupted(5) })).rejects.toThrow(
      'unplugged',
    );
    expect(await options.store.list('')).toEqual([]);
    expect(readdirSync(options.workFolder)).toEqual([]);
    expect((await writeDataset(options)).manifest.train).toHaveLength(4);
  });

  it.each([2, 3, 4, 5, 9])('leaves no shard or split of %i documents empty', async (count) => {
    const documents = [[], [[]], ...excerpt.slice(0, count)];
    const { manifest } = await writeDataset(datasetOptions(documents));
    const numTrain = manifest.train.reduce((sum, { numDocuments }) => sum + numDocuments, 0);
    expect(numTrain + manifest.heldOut!.numDocuments).toBe(count);
    expect(manifest.heldOut!.numDocuments).toBeGreaterThan(0);
    expect(manifest.train).toHaveLength(Math.min(4, numTrain));
    for (const { numDocuments } of manifest.train) expect(numDocuments).toBeGreaterThan(0);
  });

  it('refuses a corpus that cannot fill both splits', async () => {
    const options = datasetOptions([...excerpt.slice(0, 1), [[]]]);
    await expect(writeDataset(options)).rejects.toMatchObject({ code: 'DATA_CORPUS_EMPTY' });
  });

  it('refuses a vocabulary whose ids do not fit 16 bits', async () => {
    const specials = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'];
    const tokens = [...specials, ...Array.from({ length: 65_532 }, (_, i) => `t${i}`)];
    const vocabulary = new TextEncoder().encode(`${tokens.join('\n')}\n`);
    await expect(writeDataset({ ...datasetOptions(excerpt), vocabulary })).rejects.toMatchObject({
      code: 'DATA_VOCABULARY_TOO_LARGE',
    });
  });
});

describe('makeExampleShard', () => {
  it('stores the same bytes each time the job is done, small enough to refer to', async () => {
    const { store, ...options } = datasetOptions(excerpt);
    const { manifest, manifestKey } = await writeDataset({ store, ...options });
    const job = jobOf(manifestKey, manifest.datasetId, { epoch: 3, shard: 2 });
    expect(JSON.stringify(examplesJobSchema.parse(job)).length).toBeLessThan(1024);
    const shard = await makeExampleShard(store, job);
    expect(await makeExampleShard(store, job)).toEqual(shard);
    expect(shard.key).toBe(`examples/${job.exampleSetId}/train-e3-s2.bex`);
    const reader = await readExampleShard(store, shard, pretrainingExamples);
    expect(reader).toMatchObject({ exampleSetId: job.exampleSetId, maxSeqLength: 128 });
    expect(reader.numExamples).toBe(shard.numExamples);
  });

  it('refuses to replace other bytes', async () => {
    const { store, ...options } = datasetOptions(excerpt);
    const { manifest, manifestKey } = await writeDataset({ store, ...options });
    const job = jobOf(manifestKey, manifest.datasetId, {});
    const shard = await makeExampleShard(store, job);
    await store.put(shard.key, new Uint8Array([1]));
    await expect(makeExampleShard(store, job)).rejects.toMatchObject({
      code: 'DATA_SHARD_CORRUPT',
    });
    await expect(readExampleShard(store, shard, pretrainingExamples)).rejects.toMatchObject({
      code: 'DATA_SHARD_CORRUPT',
    });
  });

  it('refuses parts of the dataset that were changed', async () => {
    const folder = newFolder();
    const store = folderStore(folder);
    const { manifest, manifestKey } = await writeDataset({ ...datasetOptions(excerpt), store });
    const job = jobOf(manifestKey, manifest.datasetId, {});
    for (const key of [manifest.train[0]?.key, manifest.vocabulary.key, manifestKey]) {
      const path = join(folder, key ?? '');
      const bytes = await readFile(path);
      const changed = new Uint8Array(bytes);
      changed[40] = (changed[40] ?? 0) ^ 1;
      changed[0] = (changed[0] ?? 0) ^ 1;
      await writeFile(path, changed);
      await expect(makeExampleShard(store, job)).rejects.toMatchObject({
        code: 'DATA_SHARD_CORRUPT',
      });
      await writeFile(path, bytes);
    }
  });

  it('refuses a job that does not fit its dataset', async () => {
    const { store, ...options } = datasetOptions(excerpt);
    const { manifest, manifestKey } = await writeDataset({ store, ...options });
    const job = jobOf(manifestKey, manifest.datasetId, {});
    const misfits: Partial<ExamplesJob>[] = [
      { shard: 4 },
      { seed: 8 },
      { examples: { ...settings, maxPredictions: 19 } },
      { split: 'heldOut', shard: 1 },
      { split: 'heldOut', epoch: 1 },
    ];
    for (const misfit of misfits) {
      await expect(makeExampleShard(store, { ...job, ...misfit })).rejects.toMatchObject({
        code: 'DATA_MISMATCH',
      });
    }
  });

  it('names example sets by what shapes them, not by how they are read', () => {
    const id = exampleSetIdOf('d', settings, 1);
    expect(
      exampleSetIdOf('d', { ...settings, readAheadShards: 1, shuffleWindowShards: 1 }, 1),
    ).toBe(id);
    const others = [
      exampleSetIdOf('e', settings, 1),
      exampleSetIdOf('d', settings, 2),
      exampleSetIdOf('d', { ...settings, maskedLmRatio: 0.2 }, 1),
      exampleSetIdOf('d', { ...settings, masking: 'word' }, 1),
    ];
    expect(new Set([id, ...others]).size).toBe(5);
  });
});

describe('a step', () => {
  it('is filled from the stored shards of two epochs, every prediction counted', async () => {
    const { store, ...options } = datasetOptions(excerpt);
    const { manifest, manifestKey } = await writeDataset({ store, ...options });
    const shards = new Map<string, ExampleShard>();
    for (const epoch of [0, 1]) {
      for (const shard of manifest.train.keys()) {
        const job = jobOf(manifestKey, manifest.datasetId, { epoch, shard });
        shards.set(`${epoch}/${shard}`, await makeExampleShard(store, job));
      }
    }
    const recordOf = (epoch: number, shard: number): ExampleShard => {
      const record = shards.get(`${epoch}/${shard}`);
      if (record === undefined) throw new Error(`shard ${epoch}/${shard} was not made`);
      return record;
    };
    const sampler = createSampler({
      seed: 7,
      shardsOf: epochShardsOf({ ...manifest, seed: 7 }),
      windowShards: 2,
      counts: async (epoch, shard) => recordOf(epoch, shard).numExamples,
    });
    const records = [...shards.values()];
    const total = records.reduce((sum, { numExamples }) => sum + numExamples, 0);
    const { examples, next } = await sampler.locate({ epoch: 0, index: 0 }, total);
    expect(next).toEqual({ epoch: 2, index: 0 });

    const rows = await Promise.all(
      examples.map(async ({ epoch, shard, example }) => ({
        reader: await readExampleShard(store, recordOf(epoch, shard), pretrainingExamples),
        example,
      })),
    );
    const numPredictions = records.reduce((sum, record) => sum + record.numPredictions, 0);
    const counts = rows.map(({ reader, example }) => reader.countOf('maskedWeight', example));
    expect(counts.reduce((sum, count) => sum + count)).toBe(numPredictions);
    const batch = batchOf(pretrainingExamples.task, settings, rows);
    const sumOf = (name: string): number =>
      Array.from(columnOf(batch, name)).reduce((sum, value) => sum + value);
    expect(sumOf('maskedWeights')).toBe(numPredictions);
    const numTokens = records.reduce((sum, record) => sum + record.numTokens, 0);
    expect(sumOf('inputMask')).toBe(numTokens);
  });
});

/** A corpus that cannot be read beyond its first documents. */
async function* interrupted(count: number): AsyncGenerator<{ sentences: TokenSentences }> {
  yield* streamOf(excerpt.slice(0, count));
  throw new Error('unplugged');
}
