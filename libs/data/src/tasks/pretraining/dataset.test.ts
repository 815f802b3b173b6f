import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  columnOf,
  datasetJobSchema,
  examplesJobSchema,
  runConfigSchema,
  type DatasetManifest,
  type ExampleShard,
  type ExamplesJob,
  type ObjectStore,
} from '@berth/contracts';
import { afterAll, describe, expect, it } from 'vitest';
import { prepareDataset } from '../../dataset/prepare-dataset.ts';
import { readDatasetManifest, readDocumentShard } from '../../dataset/read-dataset.ts';
import { putPart } from '../../dataset/stored-part.ts';
import { sentencesOf, type TokenSentences } from '../../dataset/token-documents.ts';
import { batchOf } from '../../examples/batch.ts';
import { exampleSetIdOf, makeExampleShard, readExampleShard } from '../../examples/example-job.ts';
import { replayExamples } from '../../replay/replay-examples.ts';
import { epochShardsOf } from '../../sampling/epoch-shards.ts';
import { createSampler } from '../../sampling/sampler.ts';
import {
  folderStore,
  goldenBytes,
  goldenExcerpt,
  goldenPath,
  temporaryFolder,
} from '../../testing/example-fixture.ts';
import { encodeExampleShard } from './example-shard.ts';
import { generateGoogleExamples } from './google-examples.ts';
import { pretrainingExamples } from './pretraining-examples.ts';

const settings = runConfigSchema.shape.examples.parse({});
const folders: string[] = [];

function newFolder(): string {
  const folder = temporaryFolder();
  folders.push(folder);
  return folder;
}
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))));

/** The dataset of the golden excerpt. */
async function prepareExcerpt(store = folderStore(newFolder())): Promise<{
  readonly store: ObjectStore;
  readonly manifest: DatasetManifest;
  readonly manifestKey: string;
}> {
  const job = datasetJobSchema.parse({
    kind: 'dataset',
    runId: 'r',
    corpus: { path: goldenPath('excerpt.txt'), heldOutRatio: 0.1, sentenceMode: 'lines' },
    vocabulary: { path: goldenPath('vocab-8192.txt') },
    numShards: 4,
    seed: 7,
    askedAtMs: 1,
  });
  const manifestKey = await prepareDataset(job, store);
  return { store, manifestKey, manifest: await readDatasetManifest(store, manifestKey) };
}

function jobOf(manifestKey: string, datasetId: string, place: Partial<ExamplesJob>): ExamplesJob {
  const seed = 7;
  const exampleSetId = exampleSetIdOf(datasetId, settings, seed);
  const where = { split: 'train', epoch: 0, shard: 0, ...place } as const;
  return { kind: 'examples', exampleSetId, manifestKey, seed, examples: settings, ...where };
}

describe('makeExampleShard', () => {
  it('stores the same bytes each time the job is done, small enough to refer to', async () => {
    const { store, manifest, manifestKey } = await prepareExcerpt();
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
    const { store, manifest, manifestKey } = await prepareExcerpt();
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
    const { manifest, manifestKey } = await prepareExcerpt(store);
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
    const { store, manifest, manifestKey } = await prepareExcerpt();
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

describe('mode google', () => {
  const { documents, vocabulary } = goldenExcerpt();
  const texts = new TextDecoder().decode(goldenBytes('excerpt.txt')).trimEnd().split('\n\n');
  // Equal documents lie in one file and in several.
  const files = [
    [0, 1, 2, 3, 1],
    [4, 5, 2, 6],
    [2, ...documents.keys()].filter((document) => document === 2 || document > 6),
  ];
  const inFiles = files.flat().map((document) => documents[document]!);
  const examples = { ...settings, mode: 'google', dupeFactor: 2 } as const;
  const seed = 7;

  it('has the examples of the documents in the order of the corpus, and tells of which they are', async () => {
    const folder = newFolder();
    const store = folderStore(join(folder, 'store'));
    await mkdir(join(folder, 'text'));
    for (const [index, some] of files.entries())
      await writeFile(
        join(folder, 'text', `${index}.txt`),
        some.map((document) => `${texts[document]!}\n\n`).join(''),
      );
    const job = datasetJobSchema.parse({
      kind: 'dataset',
      runId: 'r',
      corpus: {
        path: join(folder, 'text'),
        heldOutRatio: 0,
        sentenceMode: 'lines',
        duplicates: 'keep',
      },
      vocabulary: { path: goldenPath('vocab-8192.txt') },
      numShards: 1,
      seed,
      askedAtMs: 1,
    });
    const manifestKey = await prepareDataset(job, store);
    const manifest = await readDatasetManifest(store, manifestKey);
    const part = manifest.train[0]!;
    const exampleSetId = exampleSetIdOf(manifest.datasetId, examples, seed);
    const set = { exampleSetId, manifestKey, seed, examples };
    const place = { kind: 'examples', split: 'train', epoch: 0, shard: 0 } as const;
    const bytesOf = (read: readonly TokenSentences[]): Buffer =>
      Buffer.from(
        encodeExampleShard(
          generateGoogleExamples(read, { vocabulary, settings: examples, dupeFactor: 2, seed }),
          { exampleSetId, ...examples },
        ),
      );
    const sorted = (read: readonly TokenSentences[]): string[] =>
      read.map((sentences) => sentences.join('|')).sort();
    const inShard = [...sentencesOf(await readDocumentShard(store, part))];
    expect(sorted(inShard)).toEqual(sorted(inFiles));
    expect(inShard).not.toEqual(inFiles);

    const made = await makeExampleShard(store, { ...set, ...place });
    expect(bytesOf(inFiles).equals(await store.get(made.key))).toBe(true);

    const from = { epoch: 0, index: 0 };
    const known = async (): Promise<ExampleShard> => made;
    const replay = await replayExamples({ store, manifest, set, known }, from, 40);
    for (const { tokens, labels, sources } of replay.examples) {
      const words = [...tokens];
      for (const { position, token } of labels) words[position] = token;
      expect(sources).toHaveLength(2);
      for (const { document, firstToken, numTokens, position, name } of sources) {
        const ids = inShard[document]!.flat().slice(firstToken, firstToken + numTokens);
        expect(words.slice(position, position + numTokens)).toEqual(
          ids.map((id) => vocabulary.tokens[id]),
        );
        const [, file, line] = /^(\d)\.txt:(\d+)$/.exec(name!)!;
        const text = files[Number(file)]!.map((one) => `${texts[one]!}\n\n`).join('');
        const begin = text
          .split('\n')
          .slice(Number(line) - 1)
          .join('\n')
          .split('\n\n')[0]!;
        expect(inShard[document]).toEqual(documents[texts.indexOf(begin)]);
      }
    }

    // What earlier releases made has no places.
    const lines = Buffer.from(await store.get(part.names!.key))
      .toString()
      .trimEnd()
      .split('\n');
    const plain = lines.map((line) => `${JSON.stringify((JSON.parse(line) as [string])[0])}\n`);
    const names = await putPart(store, `${part.names!.key}.plain`, Buffer.from(plain.join('')));
    const older = { ...manifest, train: [{ ...part, names }] };
    await store.put(manifestKey, Buffer.from(JSON.stringify(older)));
    await store.delete(made.key);
    const before = await makeExampleShard(store, { ...set, ...place });
    expect(bytesOf(inShard).equals(await store.get(before.key))).toBe(true);
  });
});

describe('a step', () => {
  it('is filled from the stored shards of two epochs, every prediction counted', async () => {
    const { store, manifest, manifestKey } = await prepareExcerpt();
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
