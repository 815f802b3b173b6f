import { gunzipSync, gzipSync } from 'node:zlib';
import { sha256Hex } from '@berth/contracts';
import { describe, expect, it } from 'vitest';
import { collect, rowsOf } from '../../testing/row-fixture.ts';
import { createSpanTokenizer } from '../../text/span-tokenizer.ts';
import { createTokenizer } from '../../text/tokenizer.ts';
import { createVocabulary, specialTokens } from '../../text/vocabulary.ts';
import { answerWindows } from '../answer/answer-windows.ts';
import { bestAnswer } from '../answer/best-answers.ts';
import { classifyExamples } from '../classify/classify-examples.ts';
import { tagExamples } from '../tag/tag-examples.ts';
import {
  cutText,
  heldOutRowOf,
  packHeldOutRows,
  readHeldOutRows,
  windowOfRow,
  type HeldOutRow,
  type WindowRow,
} from './held-out-rows.ts';

const vocabulary = createVocabulary([...specialTokens, 'a', 'cat', 'b', '##s']);
const tokenizer = createTokenizer(vocabulary, { doLowerCase: true });

async function stored(rows: readonly HeldOutRow[]): Promise<HeldOutRow[]> {
  const bytes = await packHeldOutRows(rows);
  expect(sha256Hex(await packHeldOutRows(rows))).toBe(sha256Hex(bytes));
  return readHeldOutRows(bytes, sha256Hex(bytes));
}

describe('held-out rows come back from the bucket', () => {
  it('of texts and pairs, cut for people', async () => {
    const source = rowsOf(
      { text: 'a\u2028cat', pair: 'b', label: '0' },
      { text: `${'x'.repeat(998)}😀${'y'.repeat(5000)}`, pair: '', label: '1' },
    );
    const options = { tokenizer, maxSeqLength: 16, labels: ['0', '1'] };
    const rows = (await collect(classifyExamples(source, options))).map(heldOutRowOf);
    expect(await stored(rows)).toEqual([
      { place: { path: 'rows', at: 'line 1' }, texts: ['a\u2028cat', 'b'] },
      { place: { path: 'rows', at: 'line 2' }, texts: [`${'x'.repeat(998)}…`, ''] },
    ]);
  });

  it('of sentences, with the tags of words that are cut off', async () => {
    const source = rowsOf({ tokens: ['a', 'cats', 'b'], tags: ['y', 'x', 'y'] });
    const options = { tokenizer, maxSeqLength: 5, labels: ['x', 'y'] };
    const [example] = await collect(tagExamples(source, options));
    expect(await stored([heldOutRowOf(example!)])).toEqual([
      {
        place: { path: 'rows', at: 'line 1' },
        words: ['a', 'cats', 'b'],
        tags: [1, 0, 1],
        positions: [1, 2, -1],
      },
    ]);
  });

  it('of windows, from which answers are cut out as from the examples', async () => {
    const context = 'a cats, b 😀 b a cat a b cats';
    const answers = [{ text: 'b', answer_start: 8 }];
    const source = rowsOf(
      { id: 'q1', question: 'a', context, answers },
      { id: 'q2', question: 'cat', context, answers: [] },
      { id: 'q3', question: 'b', context: 'b', answers: [] },
    );
    const windows = await collect(
      answerWindows(source, {
        tokenizer,
        tokenizeSpans: createSpanTokenizer(vocabulary, { doLowerCase: true }),
        maxSeqLength: 9,
        maxQueryLength: 3,
        docStride: 3,
      }),
    );
    expect(windows.length).toBeGreaterThan(6);
    const rows = (await stored(windows.map(heldOutRowOf))) as WindowRow[];
    const [first, second] = rows;
    expect(first!.question).toBe(second!.question);
    for (const [i, window] of windows.entries()) {
      const { question, contextAt, spans, isMaxContext } = window;
      const kept = windowOfRow(rows[i]!);
      expect(kept).toEqual({ question, contextAt, spans, isMaxContext });
      const starts = window.ids.map((_, at) => Math.sin(at * 7 + i));
      const ends = window.ids.map((_, at) => Math.sin(at * 5 + i));
      const options = { mayHaveNone: true };
      expect(bestAnswer([{ window: kept, starts, ends }], options)).toEqual(
        bestAnswer([{ window, starts, ends }], options),
      );
    }
  });
});

describe('what is no held-out rows is refused', () => {
  const place = { path: 'f', at: 'line 1' };
  const lines = async (edit: (text: string) => string): Promise<HeldOutRow[]> => {
    const packed = await packHeldOutRows([{ place, texts: ['a'] }]);
    const bytes = gzipSync(edit(gunzipSync(packed).toString()));
    return readHeldOutRows(bytes, sha256Hex(bytes), 'rows');
  };

  it.each<[string, (text: string) => string, string]>([
    ['a row too few', (text) => text.split('\n')[0]!, 'has 0 rows instead of 1'],
    ['nothing', () => '', 'is empty'],
    ['no JSON', (text) => text.replace('{"place"', '{place'), 'cannot be read'],
    ['another format', (text) => text.replace('rows/1', 'rows/2'), 'cannot be read'],
    ['an unknown key', (text) => text.replace('"texts"', '"sentences"'), 'cannot be read'],
    [
      'a window of no question',
      (text) => text.replace(/\{"place.*/, '{"contextAt":3,"spans":[],"isMaxContext":""}'),
      'the first window is of no question',
    ],
  ])('%s', async (_, edit, message) => {
    await expect(lines(edit)).rejects.toMatchObject({
      code: 'DATA_SHARD_CORRUPT',
      message: expect.stringContaining(message) as string,
    });
  });

  it('other bytes, and bytes that are not gzip', async () => {
    const bytes = new TextEncoder().encode('no gzip');
    await expect(readHeldOutRows(bytes, 'ab')).rejects.toThrow('sha256 is not ab');
    await expect(readHeldOutRows(bytes, sha256Hex(bytes))).rejects.toThrow('cannot be read');
  });
});

it('texts are not cut inside a character', () => {
  expect([cutText('abc', 3), cutText('abcd', 3), cutText('a😀bc', 3)]).toEqual([
    'abc',
    'ab…',
    'a…',
  ]);
});
