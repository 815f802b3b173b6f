import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FineTuning } from '@berth/contracts';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readJsonlRows } from '../../rows/jsonl-rows.ts';
import { openRows } from '../../rows/open-rows.ts';
import {
  countPredictionRows,
  predictionRows,
  type PredictionRow,
  type PredictionRowsOptions,
} from './prediction-rows.ts';

function sourceOf(name: string, text: string): ReturnType<typeof openRows> {
  const path = mkdtempSync(join(tmpdir(), 'berth-rows-'));
  onTestFinished(() => rmSync(path, { recursive: true }));
  const file = join(path, name);
  writeFileSync(file, text);
  return openRows(file);
}

async function read(
  name: string,
  text: string,
  kind: FineTuning['kind'],
  columns: PredictionRowsOptions['columns'] = {},
): Promise<PredictionRow[]> {
  const { path, rows } = sourceOf(name, text);
  const all: PredictionRow[] = [];
  for await (const row of predictionRows(path, rows(), { kind, columns })) all.push(row);
  return all;
}

const inputs = (rows: readonly PredictionRow[]): unknown[] => rows.map(({ input }) => input);

describe('rows to predict', () => {
  it('are texts or pairs, whatever their labels', async () => {
    const csv = 'id,sentence1,sentence2,label\n7,"a, b",c,never seen\n8,d,e,\n';
    const rows = await read('a.csv', csv, 'classify');
    expect(inputs(rows)).toEqual([
      { text: 'a, b', pair: 'c' },
      { text: 'd', pair: 'e' },
    ]);
    expect(rows.map(({ id, place }) => [id, place.at])).toEqual([
      ['7', 'line 2'],
      ['8', 'line 3'],
    ]);
    const named = await read('a.csv', csv, 'regress', { text: 'sentence2' });
    expect(inputs(named)).toEqual([{ text: 'c' }, { text: 'e' }]);
  });

  it('are words, with tags or without, and questions', async () => {
    expect(inputs(await read('a.conll', 'the\ncat\n\nsat\n', 'tag'))).toEqual([
      { words: ['the', 'cat'] },
      { words: ['sat'] },
    ]);
    const jsonl = '{"w":["a"]}\n';
    expect(inputs(await read('a.jsonl', jsonl, 'tag', { words: 'w' }))).toEqual([{ words: ['a'] }]);
    const squad = { data: [{ paragraphs: [{ context: 'c', qas: [{ id: 'x', question: 'q' }] }] }] };
    const [question] = await read('a.json', JSON.stringify(squad), 'answer');
    expect(question).toMatchObject({ id: 'x', input: { question: 'q', context: 'c' } });
  });

  it('that are wrong are told together, or at once where rows come only once', async () => {
    const text = '{"text":"a"}\n{"text":3}\n{"tex":"a"}\nxx\n{"text":[]}\n';
    const source = sourceOf('a.jsonl', text);
    const options = { kind: 'classify', columns: {} } as const;
    await expect(countPredictionRows(source, options)).rejects.toMatchObject({
      code: 'DATA_INPUT_INVALID',
      message: expect.stringMatching(
        /line 2: has something other than a text as "text".*\(and 2 more like it, 1 with other problems\)/,
      ),
    });
    const seen: unknown[] = [];
    const readOnce = async (): Promise<void> => {
      const rows = readJsonlRows('standard input', toBytes(text));
      for await (const row of predictionRows('standard input', rows, options)) seen.push(row.input);
    };
    await expect(readOnce()).rejects.toThrow(/^standard input: line 2: .*write a text$/);
    expect(seen).toEqual([{ text: 'a' }]);
  });

  it('need the columns that their kind reads', async () => {
    for (const [kind, columns, message] of [
      ['classify', {}, 'no column that looks like a text'],
      ['classify', { text: 'body' }, 'has no column "body"'],
      ['tag', {}, 'no column that looks like words'],
      ['answer', {}, 'line 1: has no "question"'],
    ] as const)
      await expect(read('a.jsonl', '{"other":"x"}\n', kind, columns)).rejects.toThrow(message);
    await expect(read('a.jsonl', '{"tokens":"a b"}\n', 'tag')).rejects.toThrow(
      'its words are not a list of texts',
    );
  });

  it('are counted', async () => {
    const source = sourceOf('a.tsv', 'sentence\na\nb\nc\n');
    expect(await countPredictionRows(source, { kind: 'regress', columns: {} })).toBe(3);
  });
});

async function* toBytes(text: string): AsyncGenerator<Uint8Array> {
  for (const part of text.match(/[^]{1,7}/g) ?? []) yield Buffer.from(part);
}
