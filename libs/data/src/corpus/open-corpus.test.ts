import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { inspect } from 'node:util';
import { dirname, join } from 'node:path';
import * as zlib from 'node:zlib';
import type { CorpusConfig } from '@berth/contracts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { corpusDigest } from './corpus-digest.ts';
import type { CorpusDocument } from './corpus-document.ts';
import { createCorpusTally } from './corpus-tally.ts';
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

async function read(
  path: string,
  sentenceMode: CorpusConfig['sentenceMode'] = 'auto',
  options: { readonly signal?: AbortSignal; readonly encoding?: string } = {},
): Promise<CorpusDocument[]> {
  const { signal, encoding = 'auto' } = options;
  const corpus = await openCorpus({ path, sentenceMode, encoding }, signal === undefined ? {} : { signal });
  const documents: CorpusDocument[] = [];
  for await (const document of corpus.documents()) documents.push(document);
  return documents;
}

const sentencesOf = async (...args: Parameters<typeof read>): Promise<(readonly string[])[]> =>
  (await read(...args)).map(({ sentences }) => sentences);

const invalid = (message: RegExp): unknown =>
  expect.objectContaining({
    code: 'DATA_CORPUS_INVALID',
    message: expect.stringMatching(message),
  });

describe('text files', () => {
  it('take a sentence from each line and a document from each run of lines', async () => {
    const path = await write('a.txt', '\n\nOne.\r\n  Two.\n \t\n\nThree.\nFour.');
    expect(await read(path)).toEqual([
      { id: 'a.txt:3', sentences: ['One.', 'Two.'] },
      { id: 'a.txt:7', sentences: ['Three.', 'Four.'] },
    ]);
  });

  // What Python strips ends a document there: U+FEFF is no white space to it, U+001C is.
  it('end a document at the lines that create_pretraining_data.py calls blank', async () => {
    const bom = await write('bom.txt', 'one a\n \uFEFF\ntwo b\n');
    expect(await sentencesOf(bom, 'lines')).toEqual([['one a', 'two b']]);
    for (const separator of ['\u001C', ' \u001F', '\u0085', '\u3000']) {
      const path = await write('other.txt', `one a\n${separator}\ntwo b\n`);
      expect(await sentencesOf(path, 'lines')).toEqual([['one a'], ['two b']]);
    }
  });

  it('end a document with the file, unlike create_pretraining_data.py', async () => {
    await write('a.txt', 'One.\nTwo.');
    await write('b.txt', 'Three.\nFour.');
    expect(await sentencesOf(folder)).toEqual([
      ['One.', 'Two.'],
      ['Three.', 'Four.'],
    ]);
  });

  it('are prose when sentences run over lines', async () => {
    const path = await write('a.txt', 'It was the best of\ntimes. It was the\nworst of times.\n\nAn age.\n');
    expect(await sentencesOf(path)).toEqual([
      ['It was the best of times.', 'It was the worst of times.'],
      ['An age.'],
    ]);
  });

  it('are read as the configuration says', async () => {
    const path = await write('a.txt', 'One. Two.\nThree\n');
    expect(await sentencesOf(path, 'lines')).toEqual([['One. Two.', 'Three']]);
    expect(await sentencesOf(path, 'prose')).toEqual([['One.', 'Two.', 'Three']]);
  });

  it('lose their byte order mark, and do not end lines at what Unicode calls line ends', async () => {
    const path = await write('a.txt', '\ufeffOne.\u2028Still one.\u0085\n');
    expect(await sentencesOf(path, 'lines')).toEqual([['One.\u2028Still one.\u0085']]);
  });

  it.each([
    ['LF', '\n'],
    ['CR', '\r'],
    ['CR LF', '\r\n'],
    ['CR CR LF', '\r\r\n'],
  ])('end lines at %s, over chunk boundaries too', async (_name, end) => {
    const lines = Array.from({ length: 30_000 }, (_, i) => `Sentence ${i}.${i % 10 === 9 ? end : ''}`);
    const documents = await sentencesOf(await write('a.txt', lines.join(end)));
    expect(documents).toHaveLength(3000);
    expect(documents[2999]?.at(-1)).toBe('Sentence 29999.');
    expect(documents.flat()).toHaveLength(30_000);
    const records = lines.map((line) => JSON.stringify({ text: line.trim() })).join(end);
    expect(await sentencesOf(await write('b.jsonl', records))).toHaveLength(30_000);
  });

  it('may mix their line ends', async () => {
    const path = await write('a.txt', 'One.\rTwo.\r\rThree.\nFour.\r\n\r\nFive.\r');
    expect(await sentencesOf(path)).toEqual([['One.', 'Two.'], ['Three.', 'Four.'], ['Five.']]);
  });

  it('are read whole over chunk boundaries', async () => {
    const lines = Array.from({ length: 40_000 }, (_, i) => `Sentence ${i} of Ærøskøbing 日本.`);
    const path = await write('a.txt.gz', zlib.gzipSync(lines.join('\n')));
    expect(await sentencesOf(path)).toEqual([lines]);
  });
});

describe('JSON lines', () => {
  it('hold text or sentences, and an optional id', async () => {
    const path = await write(
      'a.jsonl',
      [
        '{"id": "x", "text": "One. Two."}',
        '',
        '{"sentences": ["Three. Four.", " ", " Five. "], "id": 7}',
        '{"text": " "}',
        '{"text": "Six.\\nSeven.\\n\\nEight."}',
      ].join('\n'),
    );
    expect(await read(path)).toEqual([
      { id: 'x', sentences: ['One.', 'Two.'] },
      { id: '7', sentences: ['Three. Four.', 'Five.'] },
      { id: 'a.jsonl:5', sentences: ['Six.', 'Seven.', 'Eight.'] },
    ]);
  });

  it.each(['\\r', '\\r\\n', '\\r\\r\\n'])('may end the lines of a text with %s', async (end) => {
    const path = await write('a.jsonl', `{"text": "${['One.', 'Two.', '', 'Three.'].join(end)}"}`);
    expect(await sentencesOf(path)).toEqual([['One.', 'Two.', 'Three.']]);
  });

  it('hold prose when their lines are not sentences; a blank line ends one', async () => {
    const path = await write('a.jsonl', JSON.stringify({ text: 'A title\n\nOne\nlong. Two\nlong.' }));
    expect(await sentencesOf(path)).toEqual([['A title', 'One long.', 'Two long.']]);
  });

  it.each([
    ['{"text": "One.', /a\.jsonl: line 2 \(byte \d+\) is not JSON/],
    ['["One."]', /line 2 \(byte \d+\) is not a JSON object/],
    ['{"txt": "One."}', /line 2 \(byte \d+\) needs either "text", a string, or "sentences".*corpus\.textField/],
    ['"One."', /line 2 \(byte \d+\) is not a JSON object/],
    ['{"text": 1}', /line 2 \(byte \d+\) needs either/],
    ['{"sentences": ["One.", 2]}', /line 2 \(byte \d+\) needs either/],
    ['{"text": "One.", "sentences": ["One."]}', /line 2 \(byte \d+\) needs either/],
    ['{"id": [], "text": "One."}', /line 2 \(byte \d+\) has an "id" that is neither/],
  ])('refuse %s', async (line, message) => {
    const path = await write('a.jsonl', `{"text": "Fine."}\n${line}\n`);
    await expect(read(path)).rejects.toThrow(invalid(message));
  });

  it.each(['PASSWORD=hunter2', '{"text": hunter2}', '{"hunter2', '["hunter2"', '{"text": "hunter2'])(
    'are not quoted when they cannot be read: %s',
    async (line) => {
      const path = await write('a.jsonl', `${line}\n`);
      const error = await read(path).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: 'DATA_CORPUS_INVALID' });
      expect(inspect(error)).not.toContain('hunter2');
    },
  );
});

describe('damaged or unsuitable input', () => {
  it('names the line and offset of bytes that are not UTF-8', async () => {
    const good = 'Fine.\n'.repeat(100_000);
    const path = await write('a.txt', Buffer.concat([Buffer.from(good), Buffer.from('caf\xe9\n', 'latin1')]));
    await expect(read(path)).rejects.toThrow(
      invalid(/line 100001 \(byte 600000\) is not UTF-8: .*iconv/),
    );
  });

  it('refuses text that ends inside a character', async () => {
    for (const text of ['日', 'Fine.\n日', '日.\nFine. 日', 'Fine.\n😀']) {
      const path = await write('a.txt', Buffer.from(text).subarray(0, -1));
      await expect(read(path)).rejects.toThrow(
        invalid(/the file ends inside a character, in line [12] \(byte \d+\): replace it with an intact copy$/),
      );
    }
    const cutAfterOne = await write('a.txt', Buffer.from('日.\n日').subarray(0, -2));
    await expect(read(cutAfterOne)).rejects.toThrow(invalid(/ends inside a character, in line 2 \(byte \d+\)/));
    const latin = await write('a.txt', Buffer.from('Fine.\ncaf\xe9', 'latin1'));
    await expect(read(latin)).rejects.toThrow(invalid(/line 2 \(byte \d+\) is not UTF-8: .*Windows-1252/));
  });

  it.each([
    ['cut short', (bytes: Buffer) => bytes.subarray(0, -20), /a\.txt\.gz: is damaged: it ends too early/],
    ['altered', (bytes: Buffer) => bytes.fill(0x55, 20, 30), /a\.txt\.gz: is damaged: /],
    ['not gzip', () => Buffer.from('One.\nTwo.\n'), /a\.txt\.gz: is not gzip: /],
  ])('refuses gzip that is %s', async (_case, damage, problem) => {
    const text = Array.from({ length: 1000 }, (_, i) => `Sentence ${i * i}.`).join('\n');
    const path = await write('a.txt.gz', damage(zlib.gzipSync(text)));
    await expect(read(path)).rejects.toThrow(invalid(problem));
  });

  it('refuses a line that would not fit into memory', async () => {
    const path = await write('a.jsonl', Buffer.alloc(65 * 2 ** 20, 'x'));
    await expect(read(path)).rejects.toThrow(invalid(/line 1 \(byte 0\) is longer than 67108864 bytes/));
  });

  it('counts what it reads and passes over', async () => {
    await write('a.txt', 'One.\nTwo.\n');
    await write('b.txt', ' \n\n');
    await write('c.jsonl', '{"text": " "}\n{"text": "Three."}\n{"sentences": []}\n');
    await write('e.jsonl', '{"text": ""}\n');
    await write('d.txt', Buffer.from('\ufeffFour.\n', 'utf16le'));
    const corpus = await openCorpus({ path: folder, sentenceMode: 'auto' });
    const tally = createCorpusTally();
    for await (const _document of corpus.documents(tally));
    expect(tally).toEqual({
      numBytes: corpus.numBytes,
      numEmptyDocuments: 4,
      numCutDocuments: 0,
      numNullTexts: 0,
      bad: { numRecords: 0, numFiles: 0, first: [] },
      encodings: { 'utf-8': 4, 'utf-16le': 1 },
    });
  });

  it('stops when asked to', async () => {
    const path = await write('a.txt', 'One.\nTwo.\n');
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(read(path, 'auto', { signal })).rejects.toThrow('enough');
  });
});

describe('corpus digest', () => {
  const digest = async (): Promise<string> =>
    corpusDigest((await openCorpus({ path: folder, sentenceMode: 'auto' })).files);

  it('is a recorded function of names and bytes, wherever the corpus lies', async () => {
    await write('a.txt', 'One.');
    await write('b/c.txt', 'Two.');
    // By Python's hashlib.
    expect(await digest()).toBe('c12324af6cbffc0cdd3effda78aa2ac7e4032811470ff63ac3292adcc40ea641');
  });

  it('changes with a byte and with a name', async () => {
    const path = await write('a.txt', 'One.');
    const first = await digest();
    await write('a.txt', 'Two.');
    const second = await digest();
    await rm(path);
    await write('b.txt', 'Two.');
    const third = await digest();
    expect(new Set([first, second, third]).size).toBe(3);
  });
});
