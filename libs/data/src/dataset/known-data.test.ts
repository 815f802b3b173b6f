import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describeHealth, sha256Hex } from '@berth/contracts';
import { describe, expect, it } from 'vitest';
import { datasetBench, documents, word, type DatasetSettings } from '../testing/dataset-bench.ts';
import { readDatasetManifest } from './read-dataset.ts';

const { folder, store, write, prepare } = datasetBench();

describe('data that a run has', () => {
  const letters = 'abcdefghiklmnoprstu'.split('');
  const vocabularyOf = (numWords: number): string =>
    ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', 'the', 'of', '.', ...letters]
      .concat(letters.map((letter) => `##${letter}`))
      .concat(Array.from({ length: numWords }, (_, n) => word(n)))
      .join('\n');

  async function corpusOf(name: string, texts: Readonly<Record<string, string>>): Promise<string> {
    const path = join(folder, name);
    await rm(path, { recursive: true, force: true });
    await mkdir(path);
    for (const [file, text] of Object.entries(texts)) await writeFile(join(path, file), text);
    return path;
  }

  const texts = { 'a.txt': documents(12), 'b.txt': documents(9, 7) };
  const jobsOf = async (path: string, settings: DatasetSettings): Promise<string[]> => {
    const seen: string[] = [];
    await prepare(path, settings, { onJob: ({ kind }) => seen.push(kind) });
    return seen;
  };

  async function known(
    isTrainedOn: boolean,
    settings: DatasetSettings = {},
  ): Promise<{
    readonly datasetId: string;
    readonly known: NonNullable<DatasetSettings['known']>;
  }> {
    const { datasetId } = await prepare(await corpusOf('known', texts), settings);
    return {
      datasetId,
      known: { manifestKey: `datasets/${datasetId}/manifest.json`, isTrainedOn },
    };
  }

  it('is known by its bytes wherever it lies and whatever it is called, and not read again', async () => {
    const before = await known(true);
    const path = await corpusOf('moved', { 'one.txt': texts['a.txt'], 'two.txt': texts['b.txt'] });
    expect((await prepare(path, before)).datasetId).toBe(before.datasetId);
    await rm(path, { recursive: true });
    const again = await corpusOf('moved', { 'x.txt': texts['b.txt'], 'y.txt': texts['a.txt'] });
    expect(await jobsOf(again, before)).toEqual(['inventory', 'survey', 'compare']);
  });

  it.each([
    [
      'appended to',
      { ...texts, 'a.txt': `${texts['a.txt']}\n\nMore.\nStill more.\n` },
      /: a\.txt has \d+ bytes, not \d+\./,
    ],
    [
      'edited',
      { ...texts, 'b.txt': texts['b.txt'].replace('The', 'Thy') },
      /: b\.txt has other bytes\./,
    ],
    ['added to', { ...texts, 'c.txt': documents(2) }, /: c\.txt is new\./],
    ['cut', { 'b.txt': texts['b.txt'] }, /: a\.txt is gone\./],
    [
      'read another way',
      { ...texts, 'b.txt': '', 'b.jsonl': texts['b.txt'] },
      /b\.jsonl is new, b\.txt is gone/,
    ],
    [
      'another one',
      Object.fromEntries('uvwxyz'.split('').map((name) => [`${name}.txt`, documents(2)])),
      /, and 5 more\./,
    ],
  ])('is refused once trained on when its corpus was %s', async (_case, now, message) => {
    const before = await known(true);
    await expect(prepare(await corpusOf('known', now), before)).rejects.toMatchObject({
      code: 'DATA_MISMATCH',
      message: expect.stringMatching(message) as string,
    });
  });

  it('is made anew when nothing was trained on it', async () => {
    const before = await known(false);
    const path = await corpusOf('known', { ...texts, 'a.txt': documents(13) });
    expect((await prepare(path, before)).health.numDocuments).toBe(22);
    const gone = { known: { manifestKey: 'datasets/gone/manifest.json', isTrainedOn: false } };
    expect((await prepare(path, gone)).health.numDocuments).toBe(22);
  });

  it('includes the vocabulary', async () => {
    const path = await write('given.txt', vocabularyOf(30));
    const vocabulary = { path };
    const before = await known(true, { vocabulary });
    const copy = { path: await write('copy.txt', vocabularyOf(30)) };
    const corpus = await corpusOf('known', texts);
    const again = await prepare(corpus, { ...before, vocabulary: copy });
    expect(again.datasetId).toBe(before.datasetId);
    await write('given.txt', vocabularyOf(31));
    await expect(prepare(corpus, { ...before, vocabulary })).rejects.toMatchObject({
      code: 'DATA_MISMATCH',
      message: expect.stringContaining(`the vocabulary ${path} has other bytes`) as string,
    });
    const trained = await known(true);
    await expect(prepare(corpus, { ...trained, vocabulary })).rejects.toMatchObject({
      code: 'DATA_MISMATCH',
    });
  });

  it('has the vocabulary of the model to begin with, or it extended', async () => {
    const bytes = new TextEncoder().encode(`${vocabularyOf(30)}\n[unused0]\n`);
    await store.put('models/m/vocab.txt', bytes);
    const modelVocabulary = {
      key: 'models/m/vocab.txt',
      sizeBytes: bytes.length,
      sha256: sha256Hex(bytes),
    };
    const corpus = await corpusOf('known', texts);
    const plain = await prepare(corpus, { modelVocabulary });
    expect(plain.vocabulary.sha256).toBe(modelVocabulary.sha256);
    expect(plain.health.extension).toBeUndefined();

    const extend = { modelVocabulary, vocabulary: { extend: 20 } };
    const extended = await prepare(corpus, extend);
    expect(extended.datasetId).not.toBe(plain.datasetId);
    expect(extended.vocabulary).toMatchObject({
      numTokens: plain.vocabulary.numTokens + 19,
      extendedFrom: modelVocabulary.sha256,
    });
    const { extension, numTrainTokens, numHeldOutTokens } = extended.health;
    expect(extension?.after.numTokens).toBe(numTrainTokens + numHeldOutTokens);
    expect(extension?.before.numTokens).toBeGreaterThan(extension!.after.numTokens);
    expect(describeHealth(extended.health)).toMatch(
      /vocabulary extended by 20 pieces: \[UNK\] \S+ % -> \S+ %, pieces a word \d\.\d{3} -> \d\.\d{3}$/,
    );
    const known = {
      manifestKey: `datasets/${extended.datasetId}/manifest.json`,
      isTrainedOn: true,
    };
    expect((await prepare(corpus, { ...extend, known })).datasetId).toBe(extended.datasetId);

    const path = await write('other.txt', vocabularyOf(31));
    await expect(prepare(corpus, { modelVocabulary, vocabulary: { path } })).rejects.toMatchObject({
      code: 'DATA_MISMATCH',
      message: expect.stringContaining('other.txt is not the vocabulary of the model') as string,
    });
  });

  it('of an older release is known by its digest alone', async () => {
    const before = await known(true);
    const key = before.known.manifestKey;
    const { corpusFiles: _files, ...older } = await readDatasetManifest(store, key);
    await store.put(key, Buffer.from(JSON.stringify(older)));
    expect((await prepare(await corpusOf('known', texts), before)).datasetId).toBe(
      before.datasetId,
    );
    const path = await corpusOf('known', { ...texts, 'a.txt': documents(13) });
    await expect(prepare(path, before)).rejects.toThrow(/has other bytes or other file names/);
  });
});
