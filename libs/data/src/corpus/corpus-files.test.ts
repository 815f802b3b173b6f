import { once } from 'node:events';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { LeftOutEntry } from '@berth/contracts';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { openCorpus } from './open-corpus.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'berth-corpus-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

async function write(name: string, content: string | Uint8Array): Promise<string> {
  const path = join(folder, name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
  return path;
}

async function read(path: string): Promise<void> {
  const corpus = await openCorpus({ path, sentenceMode: 'auto' });
  for await (const _document of corpus.documents());
}

async function sentencesOf(path: string): Promise<(readonly string[])[]> {
  const corpus = await openCorpus({ path, sentenceMode: 'auto' });
  const found: (readonly string[])[] = [];
  for await (const { sentences } of corpus.documents()) found.push(sentences);
  return found;
}

async function leftOutOf(path: string): Promise<readonly LeftOutEntry[]> {
  const { leftOut } = await openCorpus({ path, sentenceMode: 'auto' });
  expect(leftOut.numEntries).toBe(leftOut.first.length);
  return leftOut.first;
}

describe('finding files', () => {
  it('goes through a folder in order of name, without hidden files', async () => {
    for (const name of ['b.txt', 'a/z.jsonl', 'a-1.txt', '.hidden.txt', '.git/x.txt']) {
      await write(name, name.endsWith('txt') ? 'Text.' : '{"text": "Text."}');
    }
    const corpus = await openCorpus({ path: folder, sentenceMode: 'auto' });
    expect(corpus.files.map(({ name }) => name)).toEqual(['a-1.txt', 'a/z.jsonl', 'b.txt']);
  });

  it('follows a glob', async () => {
    for (const name of ['a.txt', 'b/c.txt', 'b/d.jsonl']) await write(name, 'Text.');
    const corpus = await openCorpus({ path: `${folder}/**/*.txt`, sentenceMode: 'auto' });
    expect(corpus.files.map(({ name }) => name)).toEqual(['a.txt', 'b/c.txt']);
  });

  it('tells what it leaves out, and why', async () => {
    await write('a.TXT', 'One. Two.');
    await write('b.ndjson', '{"text": "Three."}');
    for (const name of ['README.md', 'c.txt.7z', 'd/e.parquet.gz', '.git/x.txt', 'f.txt']) {
      await write(name, name === 'f.txt' ? '' : 'x');
    }
    const { files } = await openCorpus({ path: folder, sentenceMode: 'auto' });
    expect(files.map(({ name }) => name)).toEqual(['a.TXT', 'b.ndjson']);
    const unsupported = expect.stringContaining('not .txt, .jsonl, .ndjson') as string;
    expect(await leftOutOf(folder)).toEqual([
      { name: '.git', reason: 'hidden' },
      { name: 'README.md', reason: unsupported },
      { name: 'c.txt.7z', reason: unsupported },
      { name: 'd/e.parquet.gz', reason: unsupported },
      { name: 'f.txt', reason: 'empty' },
    ]);
  });

  it('counts what is left out, and names the first', async () => {
    await write('a.txt', 'Text.');
    for (let i = 10; i < 60; i++) await write(`b${i}.md`, 'x');
    const { leftOut } = await openCorpus({ path: folder, sentenceMode: 'auto' });
    expect(leftOut.numEntries).toBe(50);
    expect(leftOut.first).toHaveLength(10);
    expect(leftOut.first[0]?.name).toBe('b10.md');
  });

  it('reads linked files once, and leaves linked folders out', async () => {
    await write('data/a.txt', 'One.');
    await write('elsewhere/b.txt', 'Two.');
    const path = join(folder, 'data');
    await symlink('../elsewhere/b.txt', join(path, 'b.txt'));
    await symlink('b.txt', join(path, 'c.txt'));
    await symlink('a.txt', join(path, '0.txt'));
    await symlink('../elsewhere', join(path, 'linked'));
    await symlink('.', join(path, 'self'));
    await symlink('ring', join(path, 'ring'));
    await symlink('gone.txt', join(path, 'dangling.txt'));
    expect(await sentencesOf(path)).toEqual([['One.'], ['Two.']]);
    expect(await leftOutOf(path)).toEqual([
      { name: '0.txt', reason: 'a link to a.txt, which is read' },
      { name: 'c.txt', reason: 'a link to b.txt, which is read' },
      { name: 'dangling.txt', reason: 'a link to nothing' },
      { name: 'linked', reason: 'a link to a folder' },
      { name: 'ring', reason: 'a link to itself' },
      { name: 'self', reason: 'a link to a folder' },
    ]);
  });

  it('tells of links to folders that a glob might go through, and of nothing else beside it', async () => {
    await write('a/b.txt', 'One.');
    await write('a/c.md', 'x');
    await write('notes.md', 'x');
    await symlink('..', join(folder, 'a', 'up'));
    expect(await leftOutOf(`${folder}/*/*`)).toEqual([
      { name: 'a/c.md', reason: expect.stringContaining('not .txt') },
      { name: 'a/up', reason: 'a link to a folder' },
    ]);
  });

  it('passes over names that are not UTF-8 and what is no file', async () => {
    await write('a.txt', 'One.');
    const odd = Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0xe9]), Buffer.from('.txt')]);
    await writeFile(odd, 'Two.');
    const socket = createServer().listen(join(folder, 'socket.txt'));
    onTestFinished(() => void socket.close());
    await once(socket, 'listening');
    expect(await leftOutOf(folder)).toEqual([
      { name: 'socket.txt', reason: 'no regular file' },
      { name: '\ufffd.txt', reason: 'its name is not UTF-8' },
    ]);
    await expect(openCorpus({ path: join(folder, 'socket.txt'), sentenceMode: 'auto' })).rejects.toThrow(/neither a file nor a folder/);
  });

  it.each(['missing', 'missing.txt', 'missing/*.txt'])('says that %s does not exist', async (name) => {
    await expect(read(join(folder, name))).rejects.toMatchObject({
      code: 'DATA_CORPUS_NOT_FOUND',
      message: expect.stringContaining(join(folder, 'missing')),
    });
  });

  it('says which part does not exist', async () => {
    const parts = [{ name: 'web', path: join(folder, 'missing') }];
    await expect(openCorpus({ parts })).rejects.toThrow('correct the path of "web" in corpus.parts');
  });

  it('says which link leads nowhere', async () => {
    await symlink(join(folder, 'gone.txt'), join(folder, 'link.txt'));
    await expect(read(folder)).rejects.toMatchObject({
      code: 'DATA_CORPUS_EMPTY',
      message: expect.stringContaining('link.txt: a link to nothing'),
    });
  });

  it('says that nothing matches', async () => {
    await write('a.md', 'x');
    await expect(read(`${folder}/*.txt`)).rejects.toThrow('*.txt: nothing matches: point corpus.path');
    await expect(read(folder)).rejects.toMatchObject({
      code: 'DATA_CORPUS_EMPTY',
      message: expect.stringContaining('(a.md: not .txt'),
    });
  });

  it('says that there is no document', async () => {
    const path = await write('a.txt', '\n \n');
    await expect(read(path)).rejects.toMatchObject({ code: 'DATA_CORPUS_EMPTY' });
  });
});

