import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  datasetJobSchema,
  heldOutShardsOf,
  type DatasetJob,
  type DatasetManifest,
  type DocumentShard,
  type ObjectStore,
} from '@berth/contracts';
import { afterAll, describe, expect, it } from 'vitest';
import { documents } from '../testing/dataset-bench.ts';
import { folderStore, temporaryFolder } from '../testing/example-fixture.ts';
import { prepareDataset } from './prepare-dataset.ts';
import { readDatasetManifest, readDocumentShard } from './read-dataset.ts';
import { getPart } from './stored-part.ts';
import { sentencesOf } from './token-documents.ts';

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
  vocabulary: { readonly path?: string } = {},
): Promise<{ readonly store: ObjectStore; readonly manifest: DatasetManifest }> {
  const store = newStore();
  const job = jobOf(await corpusOf(texts), corpus);
  const asked = { ...job, vocabulary: { ...job.vocabulary, ...vocabulary } };
  const key = await prepareDataset(asked, store);
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

  it('has all shards but one as they were when one document is added', async () => {
    const before = await make([text]);
    const path = join(folder, 'vocab-before.txt');
    await writeFile(path, await getPart(before.store, before.manifest.vocabulary));
    const after = await make([text, 'The new one.\nIt is short.'], {}, { path });
    const known = new Set(digestsOf(before.manifest));
    expect(digestsOf(after.manifest).filter((sha256) => !known.has(sha256))).toHaveLength(1);
    expect(after.manifest.health?.numDocuments).toBe(91);
  });

  it('has equal documents once, or as often as they are there under names of their own, on one side of the split', async () => {
    const twice = [text, single.slice(10, 40).join('\n\n')];
    const once = await make([text]);
    const path = join(folder, 'vocab-of-once.txt');
    await writeFile(path, await getPart(once.store, once.manifest.vocabulary));
    const dropped = await make(twice, {}, { path });
    expect(digestsOf(dropped.manifest)).toEqual(digestsOf(once.manifest));
    expect(dropped.manifest.health).toMatchObject({ numDocuments: 90, numDuplicates: 30 });
    const kept = await make(twice, { duplicates: 'keep' }, { path });
    expect(kept.manifest.health).toMatchObject({ numDocuments: 120, numDuplicates: 30 });
    expect(kept.manifest.datasetId).not.toBe(dropped.manifest.datasetId);
    const hashes = [...(await hashesOf(kept)).values()].flat();
    expect(new Set(hashes).size).toBe(120);
    const textsOf = async (shards: readonly DocumentShard[]): Promise<Set<string>> => {
      const texts = new Set<string>();
      for (const shard of shards)
        for (const document of sentencesOf(await readDocumentShard(kept.store, shard)))
          texts.add(document.join('|'));
      return texts;
    };
    const trained = await textsOf(kept.manifest.train);
    const heldOut = await textsOf(heldOutShardsOf(kept.manifest));
    expect(heldOut.size).toBeGreaterThan(0);
    expect([...heldOut].filter((document) => trained.has(document))).toEqual([]);
  });

  it.each([
    ['nothing is held out by its hash', 1e-9],
    ['all is held out by its hash', 1 - 1e-9],
  ])('has both a training and a held-out document though %s', async (_case, heldOutRatio) => {
    for (const count of [2, 3, 9]) {
      const { manifest } = await make([single.slice(0, count).join('\n\n')], { heldOutRatio });
      const sum = (shards: readonly DocumentShard[]): number =>
        shards.reduce((total, { numDocuments }) => total + numDocuments, 0);
      const [numTrain, numHeldOut] = [sum(manifest.train), sum(heldOutShardsOf(manifest))];
      expect(numTrain + numHeldOut).toBe(count);
      expect(heldOutRatio < 0.5 ? numHeldOut : numTrain).toBe(1);
    }
  });

  it('tells what its documents are called where they come from', async () => {
    const { store, manifest } = await make([text]);
    const names: string[] = [];
    for (const { names: part, numDocuments } of shardsOf(manifest)) {
      const lines = Buffer.from(await getPart(store, part!))
        .toString()
        .trimEnd()
        .split('\n');
      expect(lines).toHaveLength(numDocuments);
      names.push(...lines.map((line) => (JSON.parse(line) as [string, number, number])[0]));
    }
    expect(new Set(names).size).toBe(90);
  });

  it('has ids of 32 bits where the vocabulary needs them', async () => {
    const words = [...new Set(text.toLowerCase().split(/[\s.]+/))].filter((one) => one !== '');
    const fillers = Array.from({ length: 2 ** 16 }, (_, n) => `[unused${n}]`);
    const tokens = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', ...fillers, '.', ...words];
    const path = join(folder, 'large-vocabulary.txt');
    await writeFile(path, tokens.join('\n'));
    const { store, manifest } = await make([text], {}, { path });
    const { tokens: packed } = await readDocumentShard(store, manifest.train[0]!);
    const ids = packed.subarray();
    expect(ids.BYTES_PER_ELEMENT).toBe(4);
    expect(Math.max(...ids)).toBeGreaterThan(2 ** 16);
    expect(manifest.health?.numUnknownTokens).toBe(0);
  });
});
