import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../testing/example-fixture.ts';
import { collect } from '../testing/row-fixture.ts';
import { openRows, type OpenRowsOptions } from './open-rows.ts';

const folder = temporaryFolder();

/** Where rows are and what they hold, of a file with this text. */
async function read(name: string, text: string | Buffer, options?: OpenRowsOptions) {
  const path = join(folder, name);
  await writeFile(path, text);
  const rows = await collect(openRows(path, options).rows());
  return rows.map(({ place, values, problem }) => [place.at, problem ?? values]);
}

const golden = (name: string): string =>
  fileURLToPath(new URL(`../../test/golden/${name}`, import.meta.url));

describe('rows of a file', () => {
  it('reads .jsonl, plain and gzip, with a byte order mark and blank lines', async () => {
    const text = '\uFEFF{"text": "é 😀", "label": 1}\r\n\r\n{"text": "b"}';
    const rows = [
      ['line 1', { text: 'é 😀', label: 1 }],
      ['line 3', { text: 'b' }],
    ];
    expect(await read('a.jsonl', text)).toEqual(rows);
    expect(await read('a.jsonl.gz', gzipSync(text))).toEqual(rows);
    expect(await read('a.data', text, { format: 'jsonl' })).toEqual(rows);
    expect(await read('b.jsonl', '{"a": 1}\n{"a"\n[1]\n')).toEqual([
      ['line 1', { a: 1 }],
      ['line 2', expect.stringContaining('is not JSON; write one object a line')],
      ['line 3', expect.stringContaining('is not a JSON object')],
    ]);
  });

  it('reads .csv, whose cells in quotes hold commas, quotes and line ends', async () => {
    const text = 'text,label\n"a, ""b""",1\n\n"two\nlines",0\nlast,1\n';
    expect(await read('a.csv', text)).toEqual([
      ['line 2', { text: 'a, "b"', label: '1' }],
      ['line 4', { text: 'two\nlines', label: '0' }],
      ['line 6', { text: 'last', label: '1' }],
    ]);
    expect(await read('b.csv', 'text,label\na,1\nb\nc,1,2\n')).toEqual([
      ['line 2', { text: 'a', label: '1' }],
      ['line 3', expect.stringContaining('has 1 cells, and the header 2')],
      ['line 4', expect.stringContaining('has 3 cells, and the header 2')],
    ]);
    await expect(read('c.csv', 'text,label\na,1\n"b,1\nc,0\n')).rejects.toThrow(
      /c\.csv: line \d is not CSV \(the file ends inside quotes\), in row \d+, the header counted: write a quote inside quotes twice/,
    );
    await expect(read('e.csv', 'text,label\n"a"b,1\n')).rejects.toThrow(
      'line 2 is not CSV (a quote ends a cell, and no comma follows)',
    );
    await expect(read('f.csv', 'text,label\na"b,1\n')).rejects.toThrow(
      'line 2 is not CSV (a quote stands inside a cell without quotes)',
    );
    await expect(read('d.csv', 'a,a\n1,2\n')).rejects.toThrow(
      'the header has two columns "a": rename one',
    );
  });

  it('reads .tsv as GLUE has it: quotes mean nothing, and CoLA has no header', async () => {
    expect(await read('a.tsv', 'sentence\tlabel\n"a\t1\nb" ""c\t0\n')).toEqual([
      ['line 2', { sentence: '"a', label: '1' }],
      ['line 3', { sentence: 'b" ""c', label: '0' }],
    ]);
    expect(await read('cola.tsv', 'gj04\t1\t\tOur friends.\ngj04\t0\t*\tThey go to.\n')).toEqual([
      ['line 1', { source: 'gj04', label: '1', note: '', sentence: 'Our friends.' }],
      ['line 2', { source: 'gj04', label: '0', note: '*', sentence: 'They go to.' }],
    ]);
  });

  it('reads CoNLL, with spaces or tabs', async () => {
    const text = '-DOCSTART- -X- O\n\nEU NNP B-ORG\nrejects VBZ O\n\n\n# NN O\n';
    expect(await read('a.conll', text)).toEqual([
      ['line 3', { tokens: ['EU', 'rejects'], tags: ['B-ORG', 'O'] }],
      ['line 7', { tokens: ['#'], tags: ['O'] }],
    ]);
    expect(await read('b.bio', '1\tEU\tB\tx\n', { conllColumns: { word: 1, tag: 2 } })).toEqual([
      ['line 1', { tokens: ['EU'], tags: ['B'] }],
    ]);
    expect(await read('c.conll', 'EU B-ORG\nrejects\n\nall O\n')).toEqual([
      ['line 1', expect.stringContaining('in line 2 are 1 columns, and in the lines before it 2')],
      ['line 4', { tokens: ['all'], tags: ['O'] }],
    ]);
  });

  it('reads SQuAD, with its ids as places', async () => {
    const qas = [{ id: 'q1', question: 'What?', answers: [] }, { question: 'Who?' }];
    const file = { version: 'v2.0', data: [{ paragraphs: [{ context: 'A cat.', qas }] }] };
    expect(await read('a.json', JSON.stringify(file, null, 1))).toEqual([
      ['question q1', { context: 'A cat.', ...qas[0] }],
      ['data[0].paragraphs[0].qas[1]', { context: 'A cat.', ...qas[1] }],
    ]);
    await expect(read('b.json', '{"data": [{"paragraphs": 3}]}')).rejects.toThrow(
      'data[0].paragraphs is not a list of objects, as SQuAD has them',
    );
    await expect(read('c.json', '{"data": [')).rejects.toThrow('c.json: is not JSON');
  });

  it.each(['pairs-snappy', 'pairs-zstd'])('reads %s.parquet, several groups', async (name) => {
    const rows = await collect(openRows(golden(`${name}.parquet`)).rows());
    expect(rows.map(({ place, values }) => [place.at, values])).toEqual([
      ['row 1', { sentence1: 'A cat.', sentence2: 'A dog.', label: 1, score: 0.5 }],
      ['row 2', { sentence1: 'Ein Hund – 😀', sentence2: 'Zwei', label: 0, score: 3.25 }],
      ['row 3', { sentence1: 'wine', sentence2: 'old wine', label: 2, score: null }],
    ]);
  });

  it('reads lists and objects of .parquet', async () => {
    const valuesIn = async (name: string): Promise<unknown[]> =>
      (await collect(openRows(golden(name)).rows())).map(({ values }) => values);
    expect(await valuesIn('sentences-gzip.parquet')).toEqual([
      { tokens: ['a', 'cat'], ner_tags: [0, 0] },
      { tokens: ['Rome'], ner_tags: [2] },
    ]);
    expect(await valuesIn('questions-none.parquet')).toMatchObject([
      { id: 'q1', answers: { text: ['cat'], answer_start: [2] } },
      { id: 'q2', answers: { text: [], answer_start: [] } },
    ]);
  });

  it('names what it cannot read, and how to fix it', async () => {
    await expect(read('a.txt', 'a')).rejects.toThrow(/a\.txt: the name tells no format: name it/);
    await expect(read('empty.jsonl', '\n')).rejects.toThrow('empty.jsonl: has no rows');
    await expect(read('empty.csv', 'text,label\n')).rejects.toThrow('empty.csv: has no rows');
    await expect(read('a.parquet', 'PAR1')).rejects.toThrow(
      /a\.parquet: is not parquet, or damaged/,
    );
    await expect(read('z.csv.gz', 'text,label\na,b\n')).rejects.toThrow(
      /z\.csv\.gz: cannot be read/,
    );
    await expect(collect(openRows(join(folder, 'none.csv')).rows())).rejects.toMatchObject({
      code: 'DATA_INPUT_NOT_FOUND',
    });
  });

  it.each(['tsv', 'csv', 'jsonl', 'conll'])(
    'names the line of a .%s that is not UTF-8',
    async (suffix) => {
      const good = { tsv: 'a\tb\n', csv: 'a,b\n', jsonl: '{"a":1}\n', conll: 'a b\n' }[suffix]!;
      const bytes = Buffer.concat([Buffer.from(good.repeat(3)), Buffer.from([0x61, 0xe9, 0x0a])]);
      await expect(read(`bad.${suffix}`, bytes)).rejects.toThrow(
        `bad.${suffix}: line 4 is not UTF-8: correct it, or convert the file with iconv`,
      );
    },
  );
});
