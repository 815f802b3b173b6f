import { fileURLToPath } from 'node:url';
import { rm } from 'node:fs/promises';
import {
  columnOf,
  parseRunConfig,
  type DatasetManifest,
  type ExamplesConfig,
} from '@berth/contracts';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createScratch } from '../../scratch/scratch.ts';
import { createDatasetCache } from '../../dataset/dataset-cache.ts';
import { prepareDataset } from '../../dataset/prepare-dataset.ts';
import { readDatasetManifest, readDocumentShard } from '../../dataset/read-dataset.ts';
import { batchOf } from '../../examples/batch.ts';
import { exampleSetIdOf, makeExampleShard, readExampleShard } from '../../examples/example-job.ts';
import { folderStore, goldenBytes, temporaryFolder } from '../../testing/example-fixture.ts';
import { pretrainingExamples } from './pretraining-examples.ts';

const golden = (name: string): string =>
  fileURLToPath(new URL(`../../../test/golden/${name}`, import.meta.url));
const folder = temporaryFolder();
afterAll(() => rm(folder, { recursive: true }));
const store = folderStore(folder);
const second = 'berth-examples/2';
const seed = 12_345;

/** A dataset of the excerpt, in so many shards. */
async function datasetOf(
  numShards: number,
): Promise<{ manifestKey: string; manifest: DatasetManifest }> {
  const corpus = { path: golden('excerpt.txt'), heldOutRatio: 0, sentenceMode: 'lines' };
  const vocabulary = { path: golden('vocab-8192.txt') };
  const config = parseRunConfig({ name: 'r', seed, corpus, vocabulary }, 'test');
  const job = {
    ...config,
    corpus: config.corpus!,
    kind: 'dataset',
    runId: 'r',
    numShards,
    askedAtMs: 1,
  } as const;
  const manifestKey = await prepareDataset(job, store);
  return { manifestKey, manifest: await readDatasetManifest(store, manifestKey) };
}

function settingsOf(examples: Partial<ExamplesConfig>): ExamplesConfig {
  return parseRunConfig({ name: 'r', corpus: { path: 'a' }, examples }, 'test').examples;
}

let four: Awaited<ReturnType<typeof datasetOf>>;
beforeAll(async () => {
  four = await datasetOf(4);
});

/** Input ids and labels of all examples of a shard, without padding. */
async function examplesOf(
  { manifestKey, manifest }: typeof four,
  examples: ExamplesConfig,
  place: { readonly format?: string; readonly epoch?: number; readonly shard?: number } = {},
): Promise<{ ids: number[]; numFirst: number; isRandomNext: boolean }[]> {
  const { format, epoch = 0, shard = 0 } = place;
  const exampleSetId = exampleSetIdOf(manifest.datasetId, examples, seed, format);
  const job = { kind: 'examples', exampleSetId, manifestKey, seed, examples } as const;
  const made = await makeExampleShard(
    store,
    {
      ...job,
      split: 'train',
      epoch,
      shard,
      ...(format !== undefined && { exampleFormat: format }),
    },
    createDatasetCache(
      1 << 20,
      createScratch({ thresholdBytes: 0, onTrouble: expect.unreachable as never }),
    ),
  );
  const reader = await readExampleShard(store, made, pretrainingExamples);
  return Array.from({ length: reader.numExamples }, (_, example) => {
    const batch = batchOf(pretrainingExamples.task, examples, [{ reader, example }]);
    const sum = (name: string): number =>
      Array.from(columnOf(batch, name)).reduce((a, b) => a + b, 0);
    const length = sum('inputMask');
    const ids = [...columnOf(batch, 'inputIds').subarray(0, length)];
    const positions = columnOf(batch, 'maskedPositions');
    for (let slot = 0; slot < sum('maskedWeights'); slot++)
      ids[positions[slot]!] = columnOf(batch, 'maskedIds')[slot]!;
    const isRandomNext = columnOf(batch, 'nextSentenceLabels')[0] === 1;
    return { ids, numFirst: length - sum('segmentIds'), isRandomNext };
  });
}

/** Which shards of the dataset hold these tokens one after the other. */
async function shardsWith(manifest: DatasetManifest, ids: readonly number[]): Promise<number[]> {
  const shards: number[] = [];
  for (const [shard, part] of manifest.train.entries()) {
    const text = `,${(await readDocumentShard(store, part)).tokens.subarray().join()},`;
    if (text.includes(`,${ids.join()},`)) shards.push(shard);
  }
  return shards;
}

it('a set of the first format has the name that the first release gave it', () => {
  const examples = settingsOf({});
  expect(exampleSetIdOf('d', examples, 1)).toBe(
    '8f9675732bad47af498e05b414aa53166fa184ee7dc9b8833cf5fa3259cc19b6',
  );
  const others = [
    exampleSetIdOf('d', examples, 1, second),
    exampleSetIdOf('d', settingsOf({ shuffleWindowShards: 2 }), 1, second),
    exampleSetIdOf('d', settingsOf({ mode: 'google' }), 1, second),
    exampleSetIdOf('d', settingsOf({ mode: 'google', dupeFactor: 3 }), 1, second),
  ];
  expect(new Set(others).size).toBe(others.length);
});

it('random segments of the first format come from the shard, of the second from its window', async () => {
  const origins = async (format: string | undefined, window: number): Promise<Set<number>> => {
    const found = new Set<number>();
    const examples = settingsOf({ shuffleWindowShards: window, shortSeqRatio: 0 });
    const made = await examplesOf(four, examples, { shard: 1, ...(format && { format }) });
    const random = made.filter(({ isRandomNext }) => isRandomNext);
    expect(random.length).toBeGreaterThan(10);
    for (const { ids, numFirst } of random)
      for (const shard of await shardsWith(four.manifest, ids.slice(numFirst, -1)))
        found.add(shard);
    return found;
  };
  expect(await origins(undefined, 4)).toEqual(new Set([1]));
  expect(await origins(second, 4)).toEqual(new Set([0, 1, 2, 3]));
  expect(await origins(second, 1)).toEqual(new Set([1]));
  expect((await origins(second, 2)).size).toBe(2);
});

it('mode google makes what create_pretraining_data.py makes of a corpus of one shard, in every epoch', async () => {
  const { configs } = JSON.parse(new TextDecoder().decode(goldenBytes('google-examples.json'))) as {
    configs: {
      config: { seed: number; dupeFactor: number; maxSeqLength: number; maxPredictions: number };
      numExamples: number;
      first: { ids: number[]; maskedPositions: number[]; maskedLabels: number[] }[];
    }[];
  };
  const expected = configs[0]!;
  const { dupeFactor, maxSeqLength, maxPredictions } = expected.config;
  expect(expected.config.seed).toBe(seed);
  const examples = settingsOf({ mode: 'google', dupeFactor, maxSeqLength, maxPredictions });
  const one = await datasetOf(1);
  const made = await examplesOf(one, examples, { format: second });
  expect(made).toHaveLength(expected.numExamples);
  const originals = expected.first.map(({ ids, maskedPositions, maskedLabels }) =>
    ids.map((id, at) => maskedLabels[maskedPositions.indexOf(at)] ?? id),
  );
  expect(made.slice(0, originals.length).map(({ ids }) => ids)).toEqual(originals);
  expect(await examplesOf(one, examples, { format: second, epoch: 3 })).toEqual(made);
});

it('a format of a later release is refused by name', async () => {
  await expect(
    examplesOf(four, settingsOf({}), { format: 'berth-examples/99' }),
  ).rejects.toMatchObject({
    code: 'DATA_MISMATCH',
    message: expect.stringContaining('berth-examples/99'),
  });
});

it('passes are refused where each epoch is one', () => {
  expect(() => settingsOf({ dupeFactor: 5 })).toThrow(
    expect.objectContaining({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(/examples.dupeFactor: only examples.mode google/),
    }),
  );
});
