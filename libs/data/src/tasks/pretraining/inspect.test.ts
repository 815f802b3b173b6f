import { rm } from 'node:fs/promises';
import { dataViewSchema, type ObjectStore } from '@berth/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDocumentBeginning, openDocumentShard } from '../../dataset/document-shard.ts';
import { numDocumentsOf, sentencesOf } from '../../dataset/token-documents.ts';
import { inspectDataset } from '../../inspection/inspect-dataset.ts';
import { createDocumentSurvey } from '../../inspection/odd-documents.ts';
import { packDocuments } from '../../dataset/document-shard.ts';
import { folderStore, goldenExcerpt, temporaryFolder } from '../../testing/example-fixture.ts';
import { hashedExcerpt, setOfDataset } from '../../testing/hashed-fixture.ts';
import { preparedExcerpt } from '../../testing/prepared-fixture.ts';

const { vocabulary } = goldenExcerpt();
const folder = temporaryFolder();
let store: ObjectStore;
let dataset: Awaited<ReturnType<typeof hashedExcerpt>>;
beforeAll(async () => {
  store = folderStore(folder);
  dataset = await hashedExcerpt(store);
});
afterAll(() => rm(folder, { recursive: true }));

describe('the beginning of a shard', () => {
  it('has the documents that are whole in it, however it is cut', async () => {
    const prepared = await preparedExcerpt();
    for (const [of, { train }] of [
      [store, dataset.manifest],
      [prepared.store, prepared.manifest],
    ] as const) {
      const bytes = await of.get(train[0]!.key);
      const all = [...sentencesOf(openDocumentShard(bytes, 'shard'))];
      let numBefore = 0;
      for (let length = 32; length < bytes.length; length += 97) {
        const found = [...sentencesOf(openDocumentBeginning(bytes.subarray(0, length), 'shard'))];
        expect(found).toEqual(all.slice(0, found.length));
        expect(found.length).toBeGreaterThanOrEqual(numBefore);
        numBefore = found.length;
      }
      expect(numBefore).toBeGreaterThanOrEqual(all.length - 1);
    }
    expect(() => openDocumentBeginning(new Uint8Array(64), 'shard')).toThrow(
      /not a document shard/,
    );
    await rm(prepared.folder, { recursive: true });
  });
});

describe('a look at a dataset', () => {
  const look = { numShards: 100, numExamples: 3 };

  it('tells its examples with their documents, and how sound they are', async () => {
    const { manifest } = dataset;
    const set = setOfDataset(
      manifest,
      { maxSeqLength: 128, maxPredictions: 20 },
      'berth-examples/3',
    );
    const view = await inspectDataset({ store, manifest, set, ...look, maxBytes: 2 ** 20 });
    expect(dataViewSchema.parse(view)).toEqual(view);
    const { looked, examples, shares, longest } = view;
    expect(looked).toMatchObject({ areWhole: true, numDocuments: looked.ofDocuments });
    expect(examples).toHaveLength(3);
    for (const { sources } of examples)
      expect(sources.every(({ name = '' }) => /^doc-\d+$/.test(name))).toBe(true);
    for (const name of ['predictions', 'masked_mask', 'masked_kept', 'masked_replaced']) {
      const { value, low, high } = shares.find((share) => share.name === name)!;
      expect(value).toBeGreaterThan(low!);
      expect(value).toBeLessThan(high!);
    }
    // Packed into rows they are the same pairs.
    const rows = setOfDataset(
      manifest,
      { maxSeqLength: 128, maxPredictions: 20, sequencesPerRow: 2 },
      'berth-packed-pairs/1',
    );
    const packed = await inspectDataset({ store, manifest, set: rows, ...look, maxBytes: 2 ** 20 });
    expect(packed.looked.numExamples).toBeLessThan(looked.numExamples);
    const randomNext = [view, packed].map(
      ({ shares: all }) => all.find(({ name }) => name === 'random_next')!.value,
    );
    expect(randomNext[1]).toBeCloseTo(randomNext[0]!, 12);
    const sizes = longest.map(({ numTokens }) => numTokens);
    expect(sizes).toEqual(sizes.toSorted((a, b) => b - a));
    const counted = view.documentLengths.reduce((sum, { count }) => sum + count, 0);
    expect(counted).toBe(looked.numDocuments);
  });

  it('reads no more than it is allowed to', async () => {
    const { manifest } = dataset;
    const set = setOfDataset(manifest, {}, 'berth-examples/3');
    const read: number[] = [];
    const counting: ObjectStore = {
      ...store,
      async get(key, options) {
        const bytes = await store.get(key, options);
        if (key.endsWith('.bdoc')) read.push(bytes.length);
        return bytes;
      },
    };
    const view = await inspectDataset({
      store: counting,
      manifest,
      set,
      numShards: 2,
      numExamples: 1,
      maxBytes: 4_096,
    });
    expect(view.looked).toMatchObject({ numShards: 2, areWhole: true });
    expect(view.looked.numDocuments).toBeLessThan(view.looked.ofDocuments);
    // A document that is longer is read in up to sixteen times as much; examples take a little more at least.
    expect(Math.max(...read)).toBeLessThanOrEqual(65_536);
  });
});

describe('a survey of documents', () => {
  it('finds those that are equal, unknown, or hardly words', async () => {
    const { unkId } = vocabulary;
    const idOf = (token: string): number => vocabulary.tokens.indexOf(token);
    const word = idOf('the');
    const sixteen = (id: number): number[][] => [Array.from({ length: 16 }, () => id)];
    const survey = createDocumentSurvey(vocabulary);
    const documents = packDocuments([
      sixteen(word),
      sixteen(idOf('.')),
      sixteen(word),
      [[...sixteen(word)[0]!, unkId]],
    ]);
    await survey.add(documents, { split: 'train', shard: 3, names: ['a', 'b', 'c', 'd'] });
    const { duplicates, mostUnknown, mostSymbols, longest } = survey.found();
    expect(numDocumentsOf(documents)).toBe(4);
    expect(duplicates).toMatchObject([{ name: 'a', value: 2 }]);
    expect(mostUnknown).toMatchObject([{ name: 'd', value: 1 / 17 }]);
    expect(mostSymbols).toMatchObject([{ name: 'b', value: 1 }]);
    expect(longest[0]).toMatchObject({ name: 'd', shard: 3, document: 3, numTokens: 17 });
  });
});
