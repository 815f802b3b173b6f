import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  datasetJobSchema,
  examplesJobSchema,
  runConfigSchema,
  type DatasetJob,
  type DatasetManifest,
  type ExamplesJob,
} from '@berth/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exampleSetIdOf, makeExampleShard } from '../examples/example-job.ts';
import { epochShardsOf } from '../sampling/epoch-shards.ts';
import { folderStore, temporaryFolder } from '../testing/example-fixture.ts';
import { prepareDataset } from './prepare-dataset.ts';
import { readDatasetManifest } from './read-dataset.ts';

const folder = temporaryFolder();
const store = folderStore(join(folder, 'store'));
afterAll(() => rm(folder, { recursive: true }));

const documents = (word: string, numDocuments: number): string =>
  Array.from({ length: numDocuments }, (_, n) =>
    Array.from({ length: 5 }, (__, line) => `the ${word} of ${word}${n} and a ${line} more.`).join(
      '\n',
    ),
  ).join('\n\n');

beforeAll(async () => {
  for (const [name, numDocuments] of Object.entries({ wiki: 40, books: 10 })) {
    await mkdir(join(folder, name));
    await writeFile(join(folder, name, 'a.txt'), documents(name, numDocuments));
  }
  await writeFile(join(folder, 'blank.txt'), '\u200b\n\nthe\n');
});

const pathOf = (name: string): string => join(folder, name);
const wiki = { name: 'wiki', path: pathOf('wiki') };
const books = { name: 'books', path: pathOf('books') };

function jobOf(corpus: object, known?: DatasetJob['known']): DatasetJob {
  const vocabulary = { size: 80, minFrequency: 1 };
  const place = { kind: 'dataset', runId: 'r', numShards: 4, seed: 3, askedAtMs: 1 };
  return datasetJobSchema.parse({ ...place, corpus, vocabulary, known });
}

async function prepare(
  corpus: object,
): Promise<{ manifest: DatasetManifest; manifestKey: string }> {
  const manifestKey = await prepareDataset(jobOf(corpus), store);
  return { manifest: await readDatasetManifest(store, manifestKey), manifestKey };
}

describe('a dataset of a corpus in parts', () => {
  it('has shards of one part each, whichever is named first', async () => {
    const { manifest, manifestKey } = await prepare({ parts: [wiki, books] });
    expect(manifest.format).toBe('berth-dataset/3');
    expect(manifest.train.map(({ part }) => part)).toEqual([
      ...Array.from({ length: 4 }, () => 'books'),
      ...Array.from({ length: 4 }, () => 'wiki'),
    ]);
    expect(manifest.health).toMatchObject({ numFiles: 2, numDocuments: 50 });
    expect((await prepare({ parts: [books, wiki] })).manifestKey).toBe(manifestKey);
  });

  it('is other data once a part has another name, and the same wherever it lies', async () => {
    const { manifestKey } = await prepare({ parts: [wiki, books] });
    const known = { manifestKey, isTrainedOn: true };
    const renamed = jobOf({ parts: [{ ...wiki, name: 'web' }, books] }, known);
    await expect(prepareDataset(renamed, store)).rejects.toThrow(
      'the parts of the corpus are books, web, and were books, wiki',
    );
    const swapped = jobOf({ parts: [{ ...wiki, path: books.path }, { ...books, path: wiki.path }] }, known); // oxfmt-ignore
    await expect(prepareDataset(swapped, store)).rejects.toThrow('books/a.txt has');
    const byFile = jobOf({ parts: [{ ...wiki, path: join(wiki.path, 'a.txt') }, books] }, known);
    expect(await prepareDataset(byFile, store)).toBe(manifestKey);
  });

  it('is refused when a part has nothing to train on', async () => {
    const blank = { name: 'blank', path: pathOf('blank.txt') };
    await expect(
      prepareDataset(jobOf({ parts: [wiki, blank], heldOutRatio: 0 }), store),
    ).resolves.toBeDefined();
    await writeFile(blank.path, '\u200b\n');
    await expect(prepareDataset(jobOf({ parts: [wiki, blank] }), store)).rejects.toMatchObject({
      code: 'DATA_CORPUS_EMPTY',
      message: expect.stringContaining('blank') as string,
    });
  });
});

describe('examples by weights', () => {
  it('are of another set for each mix, and others each time a shard is read', async () => {
    const { manifest, manifestKey } = await prepare({ parts: [wiki, books] });
    const examples = runConfigSchema.shape.examples.parse({
      maxSeqLength: 32,
      maxPredictions: 5,
      corpusWeights: { wiki: 1, books: 9 },
    });
    const setId = exampleSetIdOf(manifest.datasetId, examples, 3, 'berth-examples/2');
    const without = { ...examples, corpusWeights: undefined };
    expect(exampleSetIdOf(manifest.datasetId, without, 3, 'berth-examples/2')).not.toBe(setId);
    const shards = [...epochShardsOf({ ...manifest, ...examples, seed: 3 })(0)];
    const again = shards.find((shard) => shard >= manifest.train.length)!;
    const place = { kind: 'examples', exampleSetId: setId, exampleFormat: 'berth-examples/2' };
    const jobFor = (shard: number): ExamplesJob =>
      examplesJobSchema.parse({ ...place, manifestKey, split: 'train', epoch: 0, shard, seed: 3, examples }); // oxfmt-ignore
    const second = await makeExampleShard(store, jobFor(again));
    const first = await makeExampleShard(store, jobFor(again - manifest.train.length));
    expect(second.numTokens / first.numTokens).toBeCloseTo(1, 0);
    expect(second.sha256).not.toBe(first.sha256);
    await expect(makeExampleShard(store, jobFor(8 * 99))).rejects.toThrow(
      `no shard 792 among the ${shards.length} of epoch 0`,
    );
  });
});
