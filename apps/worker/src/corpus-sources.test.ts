import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { createS3ObjectStore, createS3Source, type S3ObjectStore } from '@berth/checkpoint';
import { runConfigSchema, silentLogger, type S3Place } from '@berth/contracts';
import { digestPieces, findCorpusChunks, readChunk, type FindChunksOptions } from '@berth/data';
import { startS3Server } from '@berth/s3-server';
import { describe, expect, it, onTestFinished } from 'vitest';
import { corpusSources } from './corpus-sources.ts';

const reading = runConfigSchema.shape.corpus.unwrap().parse({ path: 'text' });
const text = 'It was so. It is.\nAnd it will be.\n\n'.repeat(400);
const files: Readonly<Record<string, Uint8Array>> = {
  'a.txt': Buffer.from(text),
  'b.jsonl': Buffer.from('{"text": "One. Two."}\n'.repeat(300)),
  'c/d.txt.gz': gzipSync(text),
  'c/e.csv': Buffer.from('text\nThree.\n'),
  'c/README.md': Buffer.from('x'),
  '.hidden/f.txt': Buffer.from('x'),
};

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'berth-sources-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

/** The same files in a folder and in a bucket. */
async function start(): Promise<{
  folder: string;
  store: S3ObjectStore;
  options: FindChunksOptions;
}> {
  const keys = { accessKeyId: 'a-key', secretAccessKey: 'a-secret' };
  const server = await startS3Server({ folder: await temporaryFolder(), ...keys });
  onTestFinished(() => server.close());
  const { endpoint } = server;
  const place: S3Place = { endpoint, region: 'us-east-1', bucket: 'texts', prefix: '', ...keys };
  const store = createS3ObjectStore(place, silentLogger);
  await store.ensureBucket();
  const folder = await temporaryFolder();
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
    await store.put(`data/${name}`, content);
  }
  await store.put('database/x.txt', Buffer.from('x'));
  const s3 = createS3Source(corpusSources({}, place).s3, silentLogger);
  onTestFinished(() => [store, s3].forEach((one) => one.close()));
  return { folder, store, options: { s3, chunkBytes: 4000 } };
}

async function documentsAt(path: string, options: FindChunksOptions): Promise<unknown[]> {
  const { chunks, leftOut } = await findCorpusChunks({ path }, options);
  const documents: unknown[] = [leftOut.numEntries];
  for (const chunk of chunks)
    for await (const document of readChunk(chunk, { corpus: reading, ...options }))
      documents.push(document);
  return documents;
}

describe('a corpus in a bucket', () => {
  it('is that of the same files in a folder, cut as they are', async () => {
    const { folder, options } = await start();
    const expected = await documentsAt(folder, options);
    expect(expected.length).toBeGreaterThan(1100);
    expect(await documentsAt('s3://texts/data', options)).toEqual(expected);
    expect(await documentsAt('s3://texts/data/', options)).toEqual(expected);
    for (const pattern of ['c/*.{csv,txt.gz}', '[ab].*', 'c/e.csv'])
      expect(await documentsAt(`s3://texts/data/${pattern}`, options)).toEqual(
        await documentsAt(join(folder, pattern), options),
      );
  });

  it('is known by its ETags, and refused once they are others', async () => {
    const { store, options } = await start();
    const find = async (): Promise<Awaited<ReturnType<typeof findCorpusChunks>>> =>
      findCorpusChunks({ path: 's3://texts/data/a.txt' }, options);
    const { chunks } = await find();
    const digests = await Promise.all(chunks.map((chunk) => digestPieces(chunk)));
    expect(new Set(digests.flat().map(([, , , sha256]) => sha256)).size).toBe(chunks.length);
    await store.put('data/a.txt', Buffer.from(text.replace('so', 'no')));
    await expect(
      readChunk(chunks[1]!, { corpus: reading, s3: options.s3 }).next(),
    ).rejects.toMatchObject({
      code: 'DATA_CORPUS_INVALID',
      message: expect.stringContaining('s3://texts/data/a.txt changed'),
    });
    expect(
      await Promise.all((await find()).chunks.map((chunk) => digestPieces(chunk))),
    ).not.toEqual(digests);
  });

  it('is below the places that runs may read, if there are such', async () => {
    const { options } = await start();
    const found = async (path: string, roots: string[]): Promise<number> =>
      (await findCorpusChunks({ path }, { ...options, roots })).numFiles;
    expect(await found('s3://texts/data', ['/texts', 's3://texts/data'])).toBe(4);
    for (const path of ['s3://texts/database', 's3://texts', 's3://other/data', 's3://texts/d*'])
      await expect(found(path, ['/texts', 's3://texts/data'])).rejects.toThrow(
        'all that runs may read here',
      );
  });

  it('is said to be missing', async () => {
    const { options } = await start();
    await expect(documentsAt('s3://texts/none', options)).rejects.toMatchObject({
      code: 'DATA_CORPUS_NOT_FOUND',
    });
    await expect(documentsAt('s3://none/data', options)).rejects.toMatchObject({
      code: 'STORE_NOT_FOUND',
    });
    await expect(documentsAt('s3://texts/data', {})).rejects.toMatchObject({
      code: 'DATA_CORPUS_INVALID',
    });
  });
});

describe('a dataset of the hub', () => {
  it('is what was downloaded of it', async () => {
    const hubCache = await temporaryFolder();
    const folder = join(hubCache, 'datasets--a--texts');
    const snapshot = join(folder, 'snapshots', '0123abc', 'en');
    for (const path of [join(folder, 'refs'), join(folder, 'blobs'), snapshot])
      await mkdir(path, { recursive: true });
    await writeFile(join(folder, 'refs', 'main'), '0123abc');
    await writeFile(join(folder, 'blobs', 'x'), 'One.\n\nTwo.\n');
    await symlink('../../../blobs/x', join(snapshot, 'a.txt'));
    for (const path of ['', '@0123abc', '/en', '/en/*.txt', '@main/**/a.txt'])
      expect(await documentsAt(`hf://datasets/a/texts${path}`, { hubCache })).toHaveLength(3);
    for (const path of ['hf://datasets/a/other', 'hf://datasets/a/texts@v2'])
      await expect(documentsAt(path, { hubCache })).rejects.toMatchObject({
        code: 'DATA_CORPUS_NOT_FOUND',
        message: expect.stringContaining('hf download --repo-type dataset a/'),
      });
    for (const path of ['hf://a/texts', 'hf://datasets/a', 'hf://datasets/a/texts@..'])
      await expect(documentsAt(path, { hubCache })).rejects.toMatchObject({
        code: 'DATA_CORPUS_INVALID',
      });
  });
});

describe('where text is', () => {
  const bucket: S3Place = {
    endpoint: 'http://127.0.0.1:1',
    region: 'us-east-1',
    bucket: 'berth',
    prefix: 'x',
    accessKeyId: 'k',
    secretAccessKey: 's',
  };

  it('is the service of the bucket, or another one that is named', () => {
    const { bucket: _bucket, prefix: _prefix, ...service } = bucket;
    const none = corpusSources({}, bucket);
    expect(none).toEqual({
      roots: [],
      s3: service,
      hubCache: join(homedir(), '.cache/huggingface/hub'),
    });
    const variables = {
      BERTH_CORPUS_ROOTS: '/a:s3://texts/b:/c',
      BERTH_CORPUS_S3_ENDPOINT: 'aws',
      BERTH_CORPUS_S3_REGION: 'eu-west-1',
      HF_HOME: '/hf',
    };
    expect(corpusSources(variables, bucket)).toEqual({
      roots: ['/a', 's3://texts/b', '/c'],
      s3: { region: 'eu-west-1' },
      hubCache: '/hf/hub',
    });
  });

  it.each([
    { BERTH_CORPUS_S3_ENDPOINT: 'minio:9000' },
    { BERTH_CORPUS_S3_ENDPOINT: 'aws', BERTH_CORPUS_S3_ACCESS_KEY: 'k' },
    { BERTH_CORPUS_ROOTS: '/a:texts' },
  ])('is refused where it is not written well: %j', (variables) => {
    expect(() => corpusSources(variables, bucket)).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' }),
    );
  });
});
