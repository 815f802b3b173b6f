import { randomBytes } from 'node:crypto';
import { appendFile, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { sha256Hex, sizeOfChunk } from '@berth/contracts';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  chunksOf,
  corpusFolder,
  documentsOf,
  pieceOf,
} from '../testing/corpus-fixture.ts';
import { createCorpusTally } from './corpus-tally.ts';
import { digestPieces } from './digest-pieces.ts';
import { chunkBytesFor, findCorpusChunks } from './find-corpus-chunks.ts';
import { readChunk } from './read-chunk.ts';
import { defaultReading } from './reading.ts';

const words = ['One.', 'Two words', 'Ærø', '日本。', '😀', 'a', '  b', '\u0085', 'c \u001C'];
const ends = ['\n', '\r\n', '\r', '\r\r\n', '\n\n', '\r\n\r\n', '\n \t\n', '\n\u3000\n', '\n\uFEFF\n', '\r\r'];

/** Texts of a few lines and documents, of all that may stand in one. */
const texts = fc
  .tuple(
    fc.constantFrom('', '\uFEFF', '\n', '\r\n', ' \n', '\r'),
    fc.array(fc.tuple(fc.constantFrom(...words), fc.constantFrom('', ' ', ...ends)), { maxLength: 30 }),
  )
  .map(([beginning, parts]) => beginning + parts.flat().join(''));

const records = fc
  .array(
    fc.tuple(
      fc.oneof(
        fc.constantFrom('', ' '),
        fc.constantFrom(...words).map((text) => JSON.stringify({ text })),
      ),
      fc.constantFrom('\n', '\r\n', '\r', '\n\n', '\r\r\n'),
    ),
    { maxLength: 20 },
  )
  .map((lines) => lines.flat().join(''));

describe('a file that is cut', () => {
  const modes = fc.constantFrom('auto' as const, 'lines' as const, 'prose' as const);

  it.each([
    ['a.txt', texts],
    ['a.jsonl', records],
  ])('gives the documents of the whole, wherever it is cut: %s', async (name, content) => {
    const path = join(await corpusFolder({}), name);
    await fc.assert(
      fc.asyncProperty(content, modes, fc.array(fc.nat(200)), async (text, sentenceMode, cuts) => {
        const settings = { sentenceMode };
        fc.pre(text !== '');
        await writeFile(path, text);
        const piece = await pieceOf(path);
        const places = new Set([0, ...cuts.map((at) => at % piece.sizeBytes), piece.sizeBytes]);
        const all = [...places].sort((a, b) => a - b);
        const pieces = all.slice(1).map((end, i) => ({ ...piece, range: [all[i]!, end] as [number, number] }));
        const whole = [{ ...piece, range: [0, piece.sizeBytes] as [number, number] }];
        const expected = await documentsOf([{ pieces: whole }], settings);
        const tally = createCorpusTally();
        expect(await documentsOf([{ pieces }], settings, { tally })).toEqual(expected);
        expect(tally.numBytes).toBe(piece.sizeBytes);
        const uncut = await documentsOf([{ pieces: [piece] }], settings);
        expect(uncut.map(({ sentences }) => sentences)).toEqual(
          expected.map(({ sentences }) => sentences),
        );
      }),
      { numRuns: 100 },
    );
  });
});

describe('chunks', () => {
  const document = 'It was so. It is. And it will be.\n';

  it('are cut at about the same size, and are all of the corpus', async () => {
    const text = `${document.repeat(5)}\n`.repeat(40);
    const folder = await corpusFolder({ 'a.txt': text, 'b.jsonl': '{"text": "One."}\n'.repeat(400) });
    const chunks = await chunksOf(folder, { chunkBytes: 1000 });
    const sizes = chunks.map(sizeOfChunk);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(1000);
    expect(chunks).toHaveLength(Math.ceil(text.length / 1000) + 7);
    const documents = await documentsOf(chunks);
    expect(documents).toHaveLength(440);
    expect(documents.map(({ id }) => id).slice(0, 2)).toEqual(['a.txt@0', 'a.txt@171']);
    expect(documents.at(-1)?.id).toBe(`b.jsonl@${399 * 17}`);
  });

  it('are a 64th of a corpus, neither small nor large, until there are 4,096', () => {
    const mib = 2 ** 20;
    expect([1, 100 * mib, 1024 * mib, 64 * 1024 * mib].map(chunkBytesFor)).toEqual([
      4 * mib,
      4 * mib,
      16 * mib,
      32 * mib,
    ]);
    expect(chunkBytesFor(2 ** 40)).toBe(2 ** 28);
  });

  it('hold several small files each, and files that cannot be cut whole', async () => {
    const small = Object.fromEntries(
      Array.from({ length: 100 }, (_, i) => [`small/${String(i).padStart(3, '0')}.txt`, document]),
    );
    const utf16 = Buffer.from(`\uFEFF${document.repeat(500)}`, 'utf16le');
    const folder = await corpusFolder({
      ...small,
      'a.txt.gz': gzipSync(randomBytes(30_000).toString('hex')),
      'b.txt': utf16,
      'c.txt': Buffer.from('\xe9\n'.repeat(10_000), 'latin1'),
    });
    const chunks = await chunksOf(folder, { chunkBytes: 20_000 });
    expect(chunks.slice(0, 2).map(({ pieces }) => pieces.map(({ name, range }) => [name, range]))).toEqual([
      [['a.txt.gz', undefined]],
      [['b.txt', undefined]],
    ]);
    expect(new Set(chunks.slice(4).map(({ pieces }) => pieces.length))).toEqual(new Set([2]));
    await expect(chunksOf(folder, { chunkBytes: 10_000 })).resolves.toHaveLength(4 + 100);
  });

  it('are in the order of their parts, whose names they bear', async () => {
    const folder = await corpusFolder({ 'x/a.txt': document, 'y/a.txt': document, 'y/b.md': 'x' });
    const parts = [
      { name: 'web', path: join(folder, 'y') },
      { name: 'books', path: join(folder, 'x') },
    ];
    const { chunks, ...listing } = await findCorpusChunks({ parts });
    expect(chunks.map(({ part, pieces }) => [part, pieces.map(({ name }) => name)])).toEqual([
      ['books', ['books/a.txt']],
      ['web', ['web/a.txt']],
    ]);
    expect(listing).toMatchObject({ numFiles: 2, numBytes: 2 * document.length });
    expect(listing.leftOut.first[0]?.name).toBe('web/b.md');
    const documents = await documentsOf(chunks);
    expect(documents.map(({ id, part }) => [id, part])).toEqual([
      ['books/a.txt:1', 'books'],
      ['web/a.txt:1', 'web'],
    ]);
  });
});

describe('a file that changes', () => {
  const gone = {
  code: 'DATA_CORPUS_NOT_FOUND',
  message: expect.stringContaining('is gone since it was listed') as string,
};
const changed = { code: 'DATA_CORPUS_INVALID', message: expect.stringContaining('changed') };

  it.each(['grows', 'shrinks', 'is rewritten', 'goes'])('is noticed when it %s before it is read', async (how) => {
    const path = join(await corpusFolder({ 'a.txt': 'One.\nTwo.\n' }), 'a.txt');
    const chunks = await chunksOf(path);
    if (how === 'grows') await appendFile(path, 'Three.\n');
    if (how === 'shrinks') await writeFile(path, 'One.\n');
    if (how === 'is rewritten') await utimes(path, new Date(0), new Date(0));
    if (how === 'goes') await rm(path);
    const expected = how === 'goes' ? gone : { code: 'DATA_CORPUS_CHANGED' };
    await expect(documentsOf(chunks)).rejects.toMatchObject(expected);
    await expect(digestPieces(chunks[0]!)).rejects.toMatchObject(expected);
  });

  it.each(['a.txt', 'a.txt.gz'])('is noticed when it does so while it is read: %s', async (name) => {
    const text = Buffer.from('One.\n\n'.repeat(50_000));
    const path = join(await corpusFolder({ [name]: name === 'a.txt' ? text : gzipSync(text) }), name);
    const [chunk] = await chunksOf(path);
    const documents = readChunk(chunk!, { corpus: defaultReading });
    await documents.next();
    await appendFile(path, 'x');
    await expect(drain(documents)).rejects.toMatchObject(changed);
  });
});

async function drain(documents: AsyncIterable<unknown>): Promise<void> {
  for await (const _document of documents);
}

describe('digests of pieces', () => {
  it('are those of their own bytes', async () => {
    const text = 'One.\n\n'.repeat(100);
    const path = join(await corpusFolder({ 'a.txt': text }), 'a.txt');
    const chunks = await chunksOf(path, { chunkBytes: 350 });
    const read: number[] = [];
    const digests = await Promise.all(
      chunks.map((chunk) => digestPieces(chunk, { onRead: (num) => read.push(num) })),
    );
    expect(digests.flat()).toEqual([
      ['a.txt', 600, [0, 300], sha256Hex(text.slice(0, 300))],
      ['a.txt', 600, [300, 600], sha256Hex(text.slice(300))],
    ]);
    expect(read.sort((a, b) => a - b)).toEqual([0, 0, 300, 300]);
    expect(await digestPieces((await chunksOf(path))[0]!)).toEqual([['a.txt', 600, null, sha256Hex(text)]]);
  });
});
