import { rm } from 'node:fs/promises';
import { taskNameOf, type ExamplesJob, type ObjectStore } from '@berth/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readDatasetManifest, readDocumentShard } from '../../dataset/read-dataset.ts';
import { readCorpusOrder, readDocumentNames } from '../../dataset/document-names.ts';
import { hashOfDocument, numDocumentsOf } from '../../dataset/token-documents.ts';
import { readTextStatistics } from '../../dataset/text-statistics.ts';
import { openExamplesJob } from '../../examples/example-job.ts';
import { findDocuments, shardsOfDataset } from '../../forgetting/find-documents.ts';
import { forgetDocuments, placesOf } from '../../forgetting/forget-documents.ts';
import { folderStore, temporaryFolder } from '../../testing/example-fixture.ts';
import { hashedExcerpt, setOfDataset } from '../../testing/hashed-fixture.ts';
import { finish } from '../../text/work.ts';
import { taskExamples } from '../index.ts';

const folder = temporaryFolder();
let store: ObjectStore;
let dataset: Awaited<ReturnType<typeof hashedExcerpt>>;
beforeAll(async () => {
  store = folderStore(folder);
  dataset = await hashedExcerpt(store);
});
afterAll(() => rm(folder, { recursive: true }));

async function hashesOf(shard: number): Promise<string[]> {
  const documents = await readDocumentShard(store, dataset.manifest.train[shard]!);
  return Array.from({ length: numDocumentsOf(documents) }, (_, d) => hashOfDocument(documents, d)!);
}

describe('forgetting documents', () => {
  it('finds them by name or hash, and says which it does not find', async () => {
    const [hash = ''] = await hashesOf(1);
    const found = await findDocuments(store, dataset.manifest, new Set(['doc-3', hash]));
    expect(found.map((one) => one.name)).toContain('doc-3');
    expect(found.map((one) => one.hash)).toContain(hash);
    for (const { split, shard, document, hash: its } of found) {
      const part = shardsOfDataset(dataset.manifest).find(
        (one) => one.split === split && one.shard === shard,
      )!.part;
      expect(hashOfDocument(await readDocumentShard(store, part), document)).toBe(its);
    }
    await expect(
      findDocuments(store, dataset.manifest, new Set(['doc-3', 'nobody', 'neither'])),
    ).rejects.toMatchObject({
      code: 'DATA_DOCUMENT_NOT_FOUND',
      message: expect.stringMatching(/the name nobody, nor 1 other/) as string,
    });
    await expect(
      findDocuments(store, { ...dataset.manifest, format: 'berth-dataset/2' }, new Set()),
    ).rejects.toMatchObject({ code: 'DATA_MISMATCH' });
  });

  it('makes one dataset, in whatever order, and keeps all else', async () => {
    const [a = '', b = ''] = await hashesOf(0);
    const { manifest, manifestKey } = dataset;
    const atOnce = await forgetDocuments(store, manifestKey, [b, a]);
    const first = await forgetDocuments(store, manifestKey, [a]);
    expect(await forgetDocuments(store, first, [b])).toBe(atOnce);
    expect(await forgetDocuments(store, atOnce, [a])).toBe(atOnce);
    const after = await readDatasetManifest(store, atOnce);
    expect(after.forgotten).toEqual({
      datasetId: manifest.datasetId,
      tombstones: [a, b].sort(),
    });
    // The shard is rewritten under another name; the others are the same bytes.
    expect(after.train[0]!.sha256).not.toBe(manifest.train[0]!.sha256);
    const sizes = ({ train }: typeof after) => train.map(({ numTokens }) => numTokens);
    expect(sizes(after)).toEqual(sizes(manifest));
    const others = ({ train }: typeof after) => train.slice(1).map(({ sha256 }) => sha256);
    expect(others(after)).toEqual(others(manifest));
    const tombstones = new Set([a, b]);
    const before = await readDocumentShard(store, manifest.train[0]!);
    const now = await readDocumentShard(store, after.train[0]!);
    expect(now.hashes).toEqual(before.hashes);
    expect(now.sentenceStarts).toEqual(before.sentenceStarts);
    const names = (await readDocumentNames(store, after.train[0]!))!;
    for (const place of placesOf(now, tombstones)) expect(names[place]).toBeNull();
    expect(names.filter((name) => name === null)).toHaveLength(2);
    const orderOf = ({ train }: typeof after): Promise<Uint32Array | undefined> =>
      readCorpusOrder(store, train[0]!, names.length);
    expect(await orderOf(manifest)).toHaveLength(names.length);
    expect(await orderOf(after)).toEqual(await orderOf(manifest));
    const counts = new Float64Array(8192);
    for (const part of after.train)
      for (const id of (await readDocumentShard(store, part)).tokens.subarray()) counts[id]! += 1;
    expect((await readTextStatistics(store, after))!.tokenCounts).toEqual([...counts]);
  });

  it('made in two steps, has the same bytes as made at once', async () => {
    const [a = '', b = '', c = ''] = await hashesOf(2);
    const atOnce = await forgetDocuments(store, dataset.manifestKey, [a, b, c]);
    const { train } = await readDatasetManifest(store, atOnce);
    const other = folderStore(temporaryFolder());
    const { manifestKey } = await hashedExcerpt(other);
    const inTwo = await forgetDocuments(other, await forgetDocuments(other, manifestKey, [c]), [
      b,
      a,
    ]);
    expect((await readDatasetManifest(other, inTwo)).train).toEqual(train);
    await rm(other.describe(), { recursive: true });
  });

  it.each([
    ['berth-examples/3', {}],
    ['berth-packed-examples/2', { nextSentence: false }],
  ] as const)('leaves the examples of others as they were: %s', async (format, change) => {
    const { manifest, manifestKey } = dataset;
    const [hash = ''] = await hashesOf(1);
    const madeKey = await forgetDocuments(store, manifestKey, [hash]);
    const made = await readDatasetManifest(store, madeKey);
    const sets = [manifest, made].map((one) => setOfDataset(one, change, format));
    const task = taskExamples[taskNameOf(sets[0]!.examples)];
    let numSame = 0;
    for (const shard of manifest.train.keys()) {
      const bytes: Uint8Array[] = [];
      for (const set of sets) {
        const job: ExamplesJob = { kind: 'examples', ...set, split: 'train', epoch: 0, shard };
        const { request } = await openExamplesJob(store, job);
        // The set's name is all that a shard has of its dataset.
        bytes.push(finish(task.make({ ...request, exampleSetId: '0'.repeat(64) })));
      }
      if (Buffer.compare(bytes[0]!, bytes[1]!) === 0) numSame += 1;
      expect(bytes[0]!.length).toBe(bytes[1]!.length);
    }
    // Those of another window do not even look at it.
    expect(numSame).toBeGreaterThanOrEqual(2);
    expect(numSame).toBeLessThan(manifest.train.length);
  });
});
