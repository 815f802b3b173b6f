import { spawnSync } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  datasetJobSchema,
  heldOutShardsOf,
  runConfigSchema,
  sha256Hex,
  toBerthError,
  type DatasetJob,
  type DatasetManifest,
} from '@berth/contracts';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createCorpusTally } from '../corpus/corpus-tally.ts';
import { openCorpus } from '../corpus/open-corpus.ts';
import { readCorpusOrder } from '../dataset/document-names.ts';
import { prepareDataset } from '../dataset/prepare-dataset.ts';
import {
  readDatasetManifest,
  readDatasetVocabulary,
  readDocumentShard,
} from '../dataset/read-dataset.ts';
import { hashOfDocument } from '../dataset/token-documents.ts';
import { readTextStatistics } from '../dataset/text-statistics.ts';
import { exampleSetIdOf, makeExampleShard } from '../examples/example-job.ts';
import { forgetDocuments } from '../forgetting/forget-documents.ts';
import { manifestKeyOf, verifiedKey } from '../preparation/keys.ts';
import { documents } from '../testing/dataset-bench.ts';
import { folderStore, temporaryFolder } from '../testing/example-fixture.ts';
import { changes, mutate } from '../testing/mutate.ts';
import { createTokenizer } from '../text/tokenizer.ts';
import { parseVocabulary } from '../text/vocabulary.ts';

const folder = temporaryFolder();
const elsewhere = join(folder, 'elsewhere');
const store = folderStore(join(folder, 'store'));
const writer = fileURLToPath(
  new URL('../../../../tools/verify/dataset/write_dataset.py', import.meta.url),
);
const settings = runConfigSchema.shape.examples.parse({});
const exampleFormat = 'berth-examples/3';
let own: DatasetManifest;

const jobOf = (corpus: object, change: object = {}): DatasetJob =>
  datasetJobSchema.parse({
    kind: 'dataset',
    runId: 'r',
    corpus,
    vocabulary: { size: 100, minFrequency: 1 },
    numShards: 4,
    seed: 1,
    askedAtMs: 1,
    ...change,
  });
const take = (dataset: string, change?: Partial<DatasetJob>, into = store): Promise<string> =>
  prepareDataset(jobOf({ dataset }, change), into);

beforeAll(async () => {
  const path = join(folder, 'corpus.txt');
  await writeFile(path, documents(120));
  const job = jobOf({ path, heldOutRatio: 0.1 });
  own = await readDatasetManifest(store, await prepareDataset(job, store));
  const bytes = await readDatasetVocabulary(store, own);
  await writeFile(join(folder, 'vocab.txt'), bytes);
  const tokenizer = createTokenizer(parseVocabulary(bytes, 'vocab.txt'), { doLowerCase: true });
  const lines: string[] = [];
  for await (const { sentences } of (await openCorpus(job.corpus)).documents(createCorpusTally())) {
    const ids = sentences.map((sentence) => tokenizer.tokenize(sentence));
    lines.push(JSON.stringify({ text: sentences, ids }));
  }
  const args = [writer, elsewhere, join(folder, 'vocab.txt'), '4', '0.1'];
  const { stderr } = spawnSync('python3', args, { input: lines.join('\n'), encoding: 'utf8' });
  expect(stderr).toBe('');
});
afterAll(() => rm(folder, { recursive: true }));

describe('a dataset that Python has written', () => {
  it('is taken in once, with the bytes, places and numbers of our own', async () => {
    const key = await take(elsewhere);
    const taken = await readDatasetManifest(store, key);
    const digestsOf = (manifest: DatasetManifest): string[] =>
      [...manifest.train, ...heldOutShardsOf(manifest)].map(({ sha256 }) => sha256);
    expect(digestsOf(taken)).toEqual(digestsOf(own));
    for (const [shard, part] of own.train.entries())
      expect(await readCorpusOrder(store, taken.train[shard]!, part.numDocuments)).toEqual(
        await readCorpusOrder(store, part, part.numDocuments),
      );
    expect(await readTextStatistics(store, taken)).toEqual(await readTextStatistics(store, own));
    const counted = ['numDocuments', 'numSentences', 'numTrainTokens', 'numUnknownTokens'] as const;
    for (const name of [...counted, 'numOneSentenceDocuments', 'coverage'] as const)
      expect(taken.health?.[name]).toEqual(own.health?.[name]);
    const copy = join(folder, 'copy');
    await cp(elsewhere, copy, { recursive: true });
    expect(await take(copy)).toBe(key);
  });

  it('gives the examples of our own dataset of that text', async () => {
    const taken = await readDatasetManifest(store, await take(elsewhere));
    const examplesOf = async ({ datasetId }: DatasetManifest): Promise<unknown> => {
      const exampleSetId = exampleSetIdOf(datasetId, settings, 1, exampleFormat);
      const place = { split: 'train', epoch: 0, shard: 0, exampleFormat, exampleSetId } as const;
      const manifestKey = manifestKeyOf(datasetId);
      const job = { kind: 'examples', seed: 1, examples: settings, manifestKey, ...place } as const;
      const { key } = await makeExampleShard(store, job);
      // Behind the header, which names the set.
      return (await store.get(key)).subarray(64);
    };
    expect(await examplesOf(taken)).toEqual(await examplesOf(own));
  });

  it('is compared by what it is, also with documents forgotten', async () => {
    const before = await readDatasetManifest(store, await take(elsewhere));
    const shard = await readDocumentShard(store, before.train[0]!);
    const manifestKey = await forgetDocuments(store, manifestKeyOf(before.datasetId), [
      hashOfDocument(shard, 0)!,
    ]);
    const known = { manifestKey, isTrainedOn: true };
    expect(await take(elsewhere, { known })).toBe(manifestKey);
    expect(await take(before.datasetId, { known })).toBe(manifestKey);
    const other = await forged('vocab.txt', (bytes) => Buffer.from(`${bytes.toString()}more\n`), {
      numTokens: own.vocabulary.numTokens + 1,
    });
    await expect(take(other, { known })).rejects.toMatchObject({ code: 'DATA_MISMATCH' });
    expect(await take(other)).not.toBe(manifestKey);
  });
});

/** A copy with another file, of which the manifest knows, and other facts of that. */
async function forged(
  name: string,
  change: (bytes: Buffer) => Uint8Array,
  facts: object = {},
): Promise<string> {
  const copy = await mkdtemp(join(folder, 'forged-'));
  await cp(elsewhere, copy, { recursive: true });
  const bytes = change(await readFile(join(copy, name)));
  await writeFile(join(copy, name), bytes);
  const path = join(copy, 'manifest.json');
  const part = { sizeBytes: bytes.length, sha256: sha256Hex(bytes), ...facts };
  const manifest = JSON.parse(await readFile(path, 'utf8'), (_, value: { key?: string } | null) =>
    value?.key === name ? { ...value, ...part } : value,
  ) as object;
  await writeFile(path, JSON.stringify(manifest));
  return copy;
}

const shard = 'train-00000.bdoc';
/** Puts a word where a byte is. */
const word = (at: number, value: number) => (bytes: Buffer) => {
  bytes.writeUInt32LE(value, at < 0 ? bytes.length + at : at);
  return bytes;
};
const firstRecord = 32;

describe('what is damaged', () => {
  it.each([
    ['byte 0: this is not the header', word(0, 7)],
    ['byte 8: version 3, not 2', word(8, 3)],
    ['byte 12: bytes of an id 4, not 2', word(12, 4)],
    ['byte 48: document 0 has no sentence', word(firstRecord + 16, 0)],
    ['byte 48: document 0 has 4294967295 sentences', word(firstRecord + 16, 2 ** 32 - 1)],
    ['byte 52: sentence 0 of document 0 is empty', word(firstRecord + 20, 0)],
    ['byte 52: document 0 has more tokens than', word(firstRecord + 20, 2 ** 31)],
    ['its end is missing', word(-4, 0)],
    ['numTokens is ', word(-8, 3)],
    ['numDocuments is ', word(-16, 3)],
    ['a document shard does not end after 41 bytes', (bytes: Buffer) => bytes.subarray(0, 41)],
  ])('is told with file and byte: %s', async (message, change) => {
    const copy = await forged(shard, change);
    await expect(take(copy)).rejects.toMatchObject({
      code: 'DATA_CORPUS_INVALID',
      message: expect.stringContaining(`${copy}/${shard}`) as string,
    });
    await expect(take(copy)).rejects.toThrow(message);
  });

  it.each([
    [2, /\[CLS\] in document 0: ids are without special tokens/],
    [9_999, /byte \d+: id 9999 in document 0, of 100 entries/],
  ])('is an id that no text has: %i', async (id, message) => {
    const copy = await forged(shard, (bytes) => {
      bytes.writeUInt16LE(id, firstRecord + 20 + 4 * bytes.readUInt32LE(firstRecord + 16));
      return bytes;
    });
    await expect(take(copy)).rejects.toThrow(message);
  });

  it('is a document that is there twice, across the split too', async () => {
    const heldOut = await readFile(join(elsewhere, 'heldOutShards-00000.bdoc'));
    const copy = await forged(shard, (bytes) => {
      heldOut.copy(bytes, firstRecord, firstRecord, firstRecord + 16);
      return bytes;
    });
    await expect(take(copy)).rejects.toThrow(/byte 32: document 0 has the hash of another/);
  });

  it('is a name that is none, bytes that differ, and a file that is not there', async () => {
    const names = await forged('train-00000.names.jsonl', (bytes) =>
      Buffer.from(bytes.toString().replace('\n', '\n{}\n')),
    );
    await expect(take(names)).rejects.toThrow(/names\.jsonl, byte \d+: line 2 is neither/);
    const other = await forged(shard, (bytes) => bytes);
    const path = join(other, shard);
    await writeFile(path, word(firstRecord, 1)(await readFile(path)));
    // What the bucket has already is not read again.
    expect(await take(other)).toBe(await take(elsewhere));
    const empty = folderStore(join(folder, 'empty'));
    await expect(take(other, {}, empty)).rejects.toThrow(
      /train-00000\.bdoc has \d+ bytes with sha256/,
    );
    await writeFile(path, 'short');
    await expect(take(other)).rejects.toThrow(/has 5 bytes, and manifest\.json says/);
    await rm(path);
    await expect(take(other)).rejects.toThrow(/train-00000\.bdoc is not there/);
  });

  it('is a manifest that leads out of its folder, or is none', async () => {
    const copy = await forged(shard, (bytes) => bytes);
    const path = join(copy, 'manifest.json');
    const text = await readFile(path, 'utf8');
    for (const key of ['../secret', '/etc/passwd', 'a/b', '.hidden', '']) {
      await writeFile(path, text.replace(`"${shard}"`, JSON.stringify(key)));
      await expect(take(copy)).rejects.toMatchObject({ code: 'DATA_CORPUS_INVALID' });
    }
    await writeFile(path, text.slice(0, 100));
    await expect(take(copy)).rejects.toThrow(/manifest\.json: /);
    await rm(path);
    await expect(take(copy)).rejects.toMatchObject({ code: 'DATA_CORPUS_NOT_FOUND' });
  });

  it('never ends in a dataset, whatever bytes of it differ', async () => {
    const empty = folderStore(join(folder, 'nothing'));
    await fc.assert(
      fc.asyncProperty(changes, async (list) => {
        const original = await readFile(join(elsewhere, shard));
        fc.pre(!mutate(original, list).equals(original));
        const copy = await forged(shard, (bytes) => mutate(bytes, list));
        const code = await take(copy, {}, empty).then(
          (key) => key,
          (error: unknown) => toBerthError(error).code,
        );
        await rm(copy, { recursive: true });
        // Another id of a token makes another text, and is no damage.
        expect(code).toMatch(/^(DATA_CORPUS_INVALID|datasets\/.*)$/);
      }),
      { numRuns: 25, seed: 20261130 },
    );
  });
});

describe('a dataset that lies in the bucket', () => {
  it('of our own is taken as it is; one that another program put there is verified once', async () => {
    expect(await take(own.datasetId)).toBe(manifestKeyOf(own.datasetId));
    const into = folderStore(join(folder, 'other'));
    const manifestKey = await take(elsewhere, {}, into);
    const { datasetId, train } = await readDatasetManifest(into, manifestKey);
    await into.delete(verifiedKey(datasetId));
    const { key } = train[0]!;
    const bytes = await into.get(key);
    await into.put(key, Buffer.from('damaged'));
    await expect(take(datasetId, {}, into)).rejects.toThrow(/has 7 bytes with sha256/);
    await into.put(key, bytes);
    expect(await take(datasetId, {}, into)).toBe(manifestKey);
    // Its parts are compared with their digests again whenever they are read.
    await into.put(key, Buffer.from('damaged'));
    expect(await take(datasetId, {}, into)).toBe(manifestKey);
    await expect(take('0'.repeat(64), {}, into)).rejects.toMatchObject({
      code: 'DATA_INPUT_NOT_FOUND',
    });
  });
});
