import { appendFileSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  datasetJobSchema,
  describeHealth,
  type DatasetJob,
  judgeHealth,
  sha256Hex,
  type DatasetHealth,
  type DatasetManifest,
} from '@berth/contracts';
import { afterAll, describe, expect, it } from 'vitest';
import { readDatasetManifest } from './read-dataset.ts';
import { folderStore, temporaryFolder } from '../testing/example-fixture.ts';
import { prepareDataset, type PrepareOptions, type PrepareProgress } from './prepare-dataset.ts';

const folder = temporaryFolder();
const store = folderStore(join(folder, 'store'));
afterAll(() => rm(folder, { recursive: true }));

const syllables = 'ba do fe gi ko lu ma ne po ri sa tu'.split(' ');
const word = (n: number): string =>
  (syllables[n % 12] ?? '') +
  (syllables[Math.floor(n / 12) % 12] ?? '') +
  (syllables[(5 * n) % 12] ?? '');
const sentence = (n: number): string =>
  `The ${word(7 * n)} ${word(n + 3)} a ${word(11 * n + 1)} of ${word(3 * n)}.`;

/** Documents of one sentence a line. */
function documents(numDocuments: number, numSentences = 6): string {
  return Array.from({ length: numDocuments }, (_, document) =>
    Array.from({ length: numSentences }, (__, n) => sentence(7 * document + n)).join('\n'),
  ).join('\n\n');
}

async function write(name: string, content: string | Uint8Array): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

interface Settings {
  readonly corpus?: object;
  readonly vocabulary?: object;
  readonly known?: DatasetJob['known'];
  readonly modelVocabulary?: DatasetJob['modelVocabulary'];
}

async function prepare(
  path: string,
  { corpus, vocabulary, known, modelVocabulary }: Settings = {},
  options: PrepareOptions = {},
): Promise<DatasetManifest & { health: DatasetHealth }> {
  const job = datasetJobSchema.parse({
    kind: 'dataset',
    runId: 'r',
    corpus: { path, ...corpus },
    vocabulary: { size: 100, minFrequency: 1, ...vocabulary },
    numShards: 2,
    seed: 3,
    askedAtMs: 1,
    known,
    modelVocabulary,
  });
  const manifest = await readDatasetManifest(store, await prepareDataset(job, store, options));
  const { health } = manifest;
  if (health === undefined) throw new Error('not measured');
  return { ...manifest, health };
}

const codesOf = ({
  health,
  doLowerCase,
  heldOutRatio,
}: Awaited<ReturnType<typeof prepare>>): string[] =>
  judgeHealth(health, { doLowerCase, heldOutRatio, maxSeqLength: 128 }).map(({ code }) => code);

describe('health of a dataset', () => {
  it('is good for a good corpus', async () => {
    const text = documents(60);
    const manifest = await prepare(await write('good.txt', text));
    expect(codesOf(manifest)).toEqual([]);
    expect(manifest.health).toMatchObject({
      numFiles: 1,
      numBytes: Buffer.byteLength(text),
      encodings: { 'utf-8': 1 },
      numDocuments: 60,
      numSentences: 360,
      numOneSentenceDocuments: 0,
      numEmptyDocuments: 0,
      numUnknownTokens: 0,
      numCharacters: text.replaceAll(/\s/g, '').length,
    });
    const numTokens = [...manifest.train, manifest.heldOut].reduce(
      (sum, shard) => sum + shard.numTokens,
      0,
    );
    expect(manifest.health.numTrainTokens + manifest.health.numHeldOutTokens).toBe(numTokens);
  });

  it('tells of what was passed over', async () => {
    const records = [
      ...Array.from({ length: 40 }, (_, n) => ({ sentences: [sentence(n), sentence(n + 1)] })),
      { text: '' },
      { sentences: ['\u200b'] },
      { sentences: [`${'x'.repeat(201)} here.`, 'It was \u0093so\u0094.'] },
    ];
    const path = await write(
      'passed.jsonl',
      records.map((record) => JSON.stringify(record)).join('\n'),
    );
    const manifest = await prepare(path);
    expect(manifest.health).toMatchObject({
      numDocuments: 41,
      numEmptyDocuments: 2,
      numLongWords: 1,
      numUnknownCharacters: 201,
      numDroppedCharacters: 2,
    });
    expect(codesOf(manifest)).toEqual(['dropped-characters', 'empty-documents', 'long-words']);
  });

  it('tells that few sentences reach an example whole', async () => {
    const long = Array.from(
      { length: 20 },
      () => `${Array.from({ length: 400 }, (__, n) => word(n)).join(' ')}.\n${sentence(2)}`,
    );
    const manifest = await prepare(await write('long.txt', long.join('\n\n')), {
      corpus: { sentenceMode: 'lines' },
    });
    expect(codesOf(manifest)).toEqual(['low-coverage']);
  });

  it('tells that another share of the tokens is held out than asked for', async () => {
    const path = await write(
      'large.txt',
      `${documents(1, 200)}\n\n${documents(1, 300)}\n\n${documents(1)}`,
    );
    expect(codesOf(await prepare(path))).toEqual(['held-out-share']);
  });

  it.each([
    ['a cased vocabulary, lower-cased text', true, /doLowerCase: false/],
    ['an uncased vocabulary, cased text', false, /doLowerCase: true/],
  ])('refuses %s, and stores nothing', async (_case, doLowerCase, advice) => {
    const text = documents(30).toUpperCase();
    const words = [...new Set(text.split(/[\s.]+/))].filter((entry) => entry !== '');
    const tokens = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', '.', ...words];
    const vocabulary = tokens.map((token) =>
      doLowerCase || token.startsWith('[') ? token : token.toLowerCase(),
    );
    const path = await write('vocab.txt', vocabulary.join('\n'));
    const before = await store.list('datasets');
    await expect(
      prepare(await write('upper.txt', text), { vocabulary: { path, doLowerCase } }),
    ).rejects.toMatchObject({
      code: 'DATA_UNSUITABLE',
      message: expect.stringMatching(advice) as string,
    });
    expect(await store.list('datasets')).toEqual(before);
  });

  it('refuses documents of one sentence each', async () => {
    const path = await write(
      'tweets.txt',
      Array.from({ length: 40 }, (_, n) => sentence(n)).join('\n\n'),
    );
    await expect(prepare(path)).rejects.toMatchObject({
      code: 'DATA_UNSUITABLE',
      message: expect.stringContaining('every document has one sentence') as string,
    });
  });
});

describe('a dataset', () => {
  it('holds nothing out when told so, even of one document', async () => {
    const path = await write('one.txt', documents(1, 40));
    const manifest = await prepare(path, { corpus: { heldOutRatio: 0 } });
    expect(manifest.heldOut).toMatchObject({ numDocuments: 0, numTokens: 0 });
    expect(codesOf(manifest)).toEqual([]);
    await expect(prepare(path)).rejects.toMatchObject({
      code: 'DATA_CORPUS_EMPTY',
      message: expect.stringContaining('corpus.heldOutRatio: 0') as string,
    });
  });

  it('is another for other bytes, encodings and vocabularies', async () => {
    const path = await write('same.txt', documents(12));
    const idOf = async (settings?: Settings): Promise<string> =>
      (await prepare(path, settings)).datasetId;
    const first = await idOf();
    expect(await idOf()).toBe(first);
    const ids = [
      first,
      await idOf({ corpus: { encoding: 'utf-8' } }),
      await idOf({ corpus: { encoding: 'windows-1252' } }),
      await idOf({ vocabulary: { size: 90 } }),
    ];
    await write('same.txt', documents(12).replace('The', 'A'));
    ids.push(await idOf());
    expect(new Set(ids).size).toBe(5);
  });

  it.each(['latin1', 'utf-16le', 'windows-1252'])(
    'reads %s where it is said to be',
    async (encoding) => {
      const text = documents(12).replaceAll('do', 'dô');
      const bytes = Buffer.from(text, encoding === 'utf-16le' ? 'utf16le' : 'latin1');
      const plain = await prepare(await write('plain.txt', text));
      const other = await prepare(await write('other.txt', bytes), { corpus: { encoding } });
      expect(other.vocabulary.sha256).toBe(plain.vocabulary.sha256);
      expect(other.health.numSentences).toBe(plain.health.numSentences);
    },
  );

  it.each(['counting words', 'tokenising'])(
    'is refused when a file grows while %s',
    async (activity) => {
      const path = await write('growing.txt', documents(12));
      let isGrown = false;
      const onProgress = (progress: PrepareProgress): void => {
        if (isGrown || progress.activity !== activity || progress.numBytesRead === 0) return;
        isGrown = true;
        appendFileSync(path, '\n\nOne more.\nAnd more.\n');
      };
      await expect(prepare(path, {}, { onProgress })).rejects.toMatchObject({
        code: 'DATA_CORPUS_INVALID',
        message: expect.stringContaining('changed while it was read') as string,
      });
    },
  );

  it('tells how far it is', async () => {
    const seen: PrepareProgress[] = [];
    await prepare(
      await write('told.txt', documents(14)),
      {},
      { onProgress: (progress) => seen.push(progress) },
    );
    const passes = ['counting words', 'tokenising'] as const;
    for (const pass of passes) {
      const ofPass = seen.filter(({ activity }) => activity === pass);
      expect(ofPass[0]?.numBytesRead).toBe(0);
      expect(ofPass.at(-1)?.numBytesRead).toBe(ofPass.at(-1)?.numBytes);
      expect(ofPass).toHaveLength(15);
    }
    const activities = new Set(seen.map(({ activity }) => activity));
    expect([...activities]).toEqual([
      'hashing the files',
      'counting words',
      'making the vocabulary',
      'tokenising',
    ]);
    const hashed = seen.filter(({ activity }) => activity === 'hashing the files');
    expect(hashed[0]?.numBytesRead).toBe(0);
    expect(hashed.at(-1)?.numBytesRead).toBe(hashed.at(-1)?.numBytes);
  });
});

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
  const passesOf = async (path: string, settings: Settings): Promise<string[]> => {
    const seen = new Set<string>();
    await prepare(path, settings, { onProgress: ({ activity }) => seen.add(activity) });
    return [...seen];
  };

  async function known(
    isTrainedOn: boolean,
    settings: Settings = {},
  ): Promise<{ readonly datasetId: string; readonly known: NonNullable<Settings['known']> }> {
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
    expect(await passesOf(path, before)).toEqual(['hashing the files']);
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
      'put in another order',
      { 'b.txt': texts['a.txt'], 'a.txt': texts['b.txt'] },
      /a\.txt has .*, b\.txt has/,
    ],
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
