import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  datasetJobSchema,
  heldOutShardsOf,
  type DatasetJob,
  type DatasetManifest,
  type ObjectStore,
} from '@berth/contracts';
import { afterAll, describe, expect, it } from 'vitest';
import { documents } from '../testing/dataset-bench.ts';
import { folderStore, temporaryFolder } from '../testing/example-fixture.ts';
import { prepareDataset } from './prepare-dataset.ts';
import { readDatasetManifest, readDocumentShard } from './read-dataset.ts';

const folder = temporaryFolder();
afterAll(() => rm(folder, { recursive: true }));
let numStores = 0;
const newStore = (): ObjectStore => folderStore(join(folder, `store-${numStores++}`));

/** A corpus of these files. */
async function corpusOf(texts: readonly string[]): Promise<string> {
  const path = join(folder, `corpus-${numStores++}`);
  await mkdir(path);
  for (const [index, text] of texts.entries()) await writeFile(join(path, `${index}.txt`), text);
  return path;
}

function jobOf(path: string, corpus: object = {}): DatasetJob {
  return datasetJobSchema.parse({
    kind: 'dataset',
    runId: 'r',
    corpus: { path, heldOutRatio: 0.1, ...corpus },
    vocabulary: { size: 100, minFrequency: 1 },
    numShards: 4,
    seed: 3,
    askedAtMs: 1,
  });
}

async function make(
  texts: readonly string[],
  corpus: object = {},
): Promise<{ readonly store: ObjectStore; readonly manifest: DatasetManifest }> {
  const store = newStore();
  const key = await prepareDataset(jobOf(await corpusOf(texts), corpus), store);
  return { store, manifest: await readDatasetManifest(store, key) };
}

const shardsOf = (manifest: DatasetManifest): DatasetManifest['train'] => [
  ...manifest.train,
  ...heldOutShardsOf(manifest),
];
const digestsOf = (manifest: DatasetManifest): string[] =>
  shardsOf(manifest).map(({ sha256 }) => sha256);

/** Hashes of the documents of each shard, in hex and in order. */
async function hashesOf({
  store,
  manifest,
}: Awaited<ReturnType<typeof make>>): Promise<Map<string, string[]>> {
  const all = new Map<string, string[]>();
  for (const shard of shardsOf(manifest)) {
    const { hashes } = await readDocumentShard(store, shard);
    const hex = Buffer.from(hashes ?? []).toString('hex');
    all.set(shard.key.slice(shard.key.lastIndexOf('/')), hex.match(/.{32}/g) ?? []);
  }
  return all;
}

describe('a dataset of documents by content', () => {
  const text = documents(90);
  const single = text.split('\n\n');

  it('has the same shards however its documents are spread over files, and leaves nothing beside them', async () => {
    const whole = await make([text]);
    const apart = await make(
      [4, 0, 2, 1, 3].map((part) => single.filter((_, n) => n % 5 === part).join('\n\n')),
    );
    expect(digestsOf(apart.manifest)).toEqual(digestsOf(whole.manifest));
    expect(apart.manifest.vocabulary.sha256).toBe(whole.manifest.vocabulary.sha256);
    const left = await whole.store.list(`datasets/${whole.manifest.datasetId}/runs/`);
    expect(left).toEqual([]);
    const hashes = [...(await hashesOf(whole)).values()];
    expect(hashes.flat().sort()).toHaveLength(new Set(single).size);
    for (const ofShard of hashes) expect(ofShard).toEqual(ofShard.toSorted());
  });

  it('moves no document when others are added', async () => {
    const before = await hashesOf(await make([text]));
    const after = await hashesOf(await make([text, documents(400).slice(text.length)]));
    for (const [key, hashes] of before) {
      const known = new Set(hashes);
      expect(after.get(key)?.filter((hash) => known.has(hash))).toEqual(hashes);
    }
  });
});
