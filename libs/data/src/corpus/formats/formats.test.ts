import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  chunksOf,
  corpusFolder,
  documentsOf,
  type Content,
  type CorpusSettings,
} from '../../testing/corpus-fixture.ts';
import type { CorpusDocument } from '../corpus-document.ts';
import { createCorpusTally } from '../corpus-tally.ts';
import { mdsShard } from '../../testing/mds-shard.ts';

async function read(
  name: string,
  content: Content,
  settings?: CorpusSettings,
  tally = createCorpusTally(),
): Promise<CorpusDocument[]> {
  const folder = await corpusFolder({ [name]: content });
  return documentsOf(await chunksOf(join(folder, name)), settings, { tally });
}

const asPairs = (documents: readonly CorpusDocument[]): (readonly [string, readonly string[]])[] =>
  documents.map(({ id, sentences }) => [id, sentences]);

const invalid = (message: string | RegExp): unknown =>
  expect.objectContaining({
    code: 'DATA_CORPUS_INVALID',
    message: expect.stringMatching(message),
  });

describe('fields', () => {
  it('are named by the run file, those of others with dots between', async () => {
    const lines = [
      { meta: { id: 7, title: 'x' }, body: { text: 'One. Two.' } },
      { 'meta': { id: 'b' }, 'body.text': 'Three.' },
      { meta: {}, body: { text: 'Four.' } },
    ];
    const content = lines.map((line) => JSON.stringify(line)).join('\n');
    const documents = await read('a.jsonl', content, { textField: 'body.text', idField: 'meta.id' });
    expect(asPairs(documents)).toEqual([
      ['7', ['One.', 'Two.']],
      ['b', ['Three.']],
      ['a.jsonl:3', ['Four.']],
    ]);
  });

  it('may be null, which is counted', async () => {
    const tally = createCorpusTally();
    const content = '{"text": null}\n{"text": "One."}\n{"text": null, "id": null}\n';
    expect(asPairs(await read('a.jsonl', content, {}, tally))).toEqual([['a.jsonl:2', ['One.']]]);
    expect(tally).toMatchObject({ numNullTexts: 2, numEmptyDocuments: 0 });
  });

  it.each(['__proto__', 'constructor', 'toString.name'])('are not those of every object: %s', async (textField) => {
    await expect(read('a.jsonl', '{"text": "One."}\n', { textField })).rejects.toThrow(
      invalid(`line 1 \\(byte 0\\) needs either "${textField}"`),
    );
  });
});

describe('tables', () => {
  it('in .csv have cells with commas, quotes and line ends', async () => {
    const content = 'id,text,n\r\na,"One, ""two"".\n\nThree.",1\r\n,Four.,2\r\nc,,3\r\n';
    const tally = createCorpusTally();
    expect(asPairs(await read('a.csv', content, {}, tally))).toEqual([
      ['a', ['One, "two".', 'Three.']],
      ['a.csv:5', ['Four.']],
    ]);
    expect(tally.numEmptyDocuments).toBe(1);
  });

  it('in .tsv have no quotes, and may be of another encoding', async () => {
    const content = Buffer.from('\uFEFFid\tBody\n1\t"Caf\u00e9." So.\n', 'utf16le');
    expect(asPairs(await read('a.TSV', content, { textField: 'Body' }))).toEqual([
      ['1', ['"Café."', 'So.']],
    ]);
  });

  it.each([
    ['a.csv', 'id,body\n1,One.\n', /has no column "text": say in corpus\.textField/],
    ['a.csv', 'text,n\nOne.\n', /line 2 has 1 cells, and the header 2/],
    ['a.csv', 'id,text\n1\n', /line 2 has 1 cells, and the header 2/],
    ['a.csv', 'id\ttext\n1\tOne.\n', /has tabs between its columns: name it \.tsv/],
    ['a.jsonl', '[\n{"text": "One."}]\n', /line 1 \(byte 0\) begins an array/],
    ['a.csv', 'text\nOne.\n"Two.', /line 3 is not CSV .* in row 3/],
    ['a.csv', Buffer.from('text\nOne\xe9.\n', 'latin1'), /line 2 is not UTF-8: .*windows-1252/],
  ])('name what is wrong: %s %j', async (name, content, message) => {
    await expect(read(name, content)).rejects.toThrow(invalid(message));
  });
});

describe('ids', () => {
  it('keep digits that a number has no room for', async () => {
    const lines = '{"id": 1234567890123456789, "text": "\\"id\\": 1234567890123456700."}\n{"m": {"id": -98765432109876543210}, "text": "Two."}\n';
    const [one] = await read('a.jsonl', lines);
    expect(one?.id).toBe('1234567890123456789');
    const [, two] = await read('a.jsonl', lines, { idField: 'm.id' });
    expect(two?.id).toBe('-98765432109876543210');
  });
});

const golden = async (name: string): Promise<string> => {
  const path = join(await corpusFolder({}), name);
  copyFileSync(new URL(`../../../test/golden/${name}`, import.meta.url), path);
  return path;
};

describe('.parquet', () => {
  it('is read, and cut between groups of rows', async () => {
    const path = await golden('pairs-snappy.parquet');
    const settings = { textField: 'sentence1', idField: 'sentence2' };
    const expected = [
      ['A dog.', ['A cat.']],
      ['Zwei', ['Ein Hund – 😀']],
      ['old wine', ['wine']],
    ];
    const readIn = async (chunkBytes: number): Promise<CorpusDocument[][]> => {
      const chunks = await chunksOf(path, { chunkBytes });
      return Promise.all(chunks.map((chunk) => documentsOf([chunk], settings)));
    };
    for (const chunkBytes of [Infinity, 1000, 100])
      expect(asPairs((await readIn(chunkBytes)).flat())).toEqual(expected);
    expect((await readIn(100)).filter(({ length }) => length > 0)).toHaveLength(2);
    const [first] = await documentsOf(await chunksOf(path), { textField: 'sentence2' });
    expect(first?.id).toBe('pairs-snappy.parquet:1');
  });

  it('holds lists, and objects in them', async () => {
    const tokens = await documentsOf(await chunksOf(await golden('sentences-gzip.parquet')), { pretokenised: true });
    expect(tokens.map(({ sentences }) => sentences)).toEqual([['a cat'], ['Rome']]);
    const questions = await golden('questions-none.parquet');
    const answers = await documentsOf(await chunksOf(questions), { textField: 'answers.text' });
    expect(asPairs(answers)).toEqual([['q1', ['cat']]]);
  });

  it('is refused where bytes of text are none, and the row is told', async () => {
    const path = await golden('questions-none.parquet');
    const bytes = readFileSync(path);
    for (let at = bytes.indexOf('cat'); at >= 0; at = bytes.indexOf('cat', at + 1)) bytes[at] = 0xff;
    await expect(read('a.parquet', bytes, { textField: 'answers.text' })).rejects.toThrow(
      invalid(/row 1 has "answers\.text" that is not UTF-8/),
    );
  });

  it('is refused when it is damaged, or has no such column', async () => {
    await expect(read('a.parquet', 'PAR1')).rejects.toThrow(invalid(/is not parquet, or damaged/));
    await expect(documentsOf(await chunksOf(await golden('pairs-snappy.parquet')))).rejects.toThrow(
      invalid(/has no column "text"/),
    );
  });
});

describe('.mds', () => {
  const columns = { id: 'int', text: 'str', url: 'bytes' } as const;
  const samples = [
    { id: 5, text: 'One. Two.', url: 'x' },
    { id: 6, text: 'Drei – 😀.', url: '' },
  ];

  it('is read', async () => {
    expect(asPairs(await read('shard.00000.mds', mdsShard(columns, samples)))).toEqual([
      ['5', ['One.', 'Two.']],
      ['6', ['Drei – 😀.']],
    ]);
    const documents = await read('a.mds', mdsShard({ text: 'str' }, samples));
    expect(documents.map(({ id }) => id)).toEqual(['a.mds:0', 'a.mds:1']);
  });

  it('is read as its own library writes it, compressed, with columns of all kinds', async () => {
    const chunks = await chunksOf(await golden('columns.mds.zstd'));
    expect(asPairs(await documentsOf(chunks))).toEqual([
      ['speech-0', ['The union is strong.', 'It will last.']],
      ['speech-1', ['Où est la paix ?', '平和はここに。']],
      ['speech-2', ['No more than this.']],
    ]);
    const years = await documentsOf(chunks, { idField: 'year' });
    expect(years.map(({ id }) => id)).toEqual(['1790', '1791', '1792']);
  });

  it('is refused when it is damaged, or has no text', async () => {
    const shard = mdsShard(columns, samples);
    await expect(read('a.mds', shard.subarray(0, -1))).rejects.toThrow(invalid(/ends too early/));
    await expect(read('a.mds', Buffer.from('text'))).rejects.toThrow(invalid(/is no MDS shard/));
    await expect(read('a.mds', shard, { textField: 'body' })).rejects.toThrow(invalid(/has no column/));
    await expect(read('a.mds', shard, { textField: 'url' })).rejects.toThrow(invalid(/sample 0 \(byte \d+\) needs/));
  });
});

describe('pre-tokenised text', () => {
  it('has words with white space between them, and a sentence a line', async () => {
    const content = "Mr  . Smith did\tn't .\n He left .\n\nNext one\n";
    const documents = await read('a.txt', content, { pretokenised: true, sentenceMode: 'prose' });
    expect(documents.map(({ sentences }) => sentences)).toEqual([
      ["Mr . Smith did n't .", 'He left .'],
      ['Next one'],
    ]);
  });

  it('may be lists of words', async () => {
    const content = '{"tokens": ["A", "cat", "."]}\n{"tokens": [["It", "sat"], ["So"]]}\n';
    const documents = await read('a.jsonl', content, { pretokenised: true });
    expect(documents.map(({ sentences }) => sentences)).toEqual([['A cat .'], ['It sat', 'So']]);
    await expect(read('a.jsonl', content)).rejects.toThrow(invalid(/needs either "text"/));
  });
});
