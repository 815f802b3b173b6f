import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseVocabulary, serializeVocabulary } from './vocabulary.ts';

const specials = '[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n';
const parse = (text: string) => parseVocabulary(Buffer.from(text), 'vocab.txt');

describe('vocabulary file', () => {
  it('gives each token its line number as id', () => {
    const { tokens, ids, ...special } = parse(`[PAD]\nthe\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n##s`);
    expect(tokens).toEqual(['[PAD]', 'the', '[UNK]', '[CLS]', '[SEP]', '[MASK]', '##s']);
    expect(ids.get('##s')).toBe(6);
    expect(special).toEqual({ padId: 0, unkId: 2, clsId: 3, sepId: 4, maskId: 5 });
  });

  it('serialises to the bytes it was read from', () => {
    const bytes = readFileSync(new URL('../../test/golden/vocab-8192.txt', import.meta.url));
    const vocabulary = parseVocabulary(bytes, 'vocab-8192.txt');
    expect(vocabulary.tokens).toHaveLength(8192);
    expect(Buffer.from(serializeVocabulary(vocabulary)).equals(bytes)).toBe(true);
  });

  it('strips what Python strips: CR and U+0085, but not U+FEFF', () => {
    expect(parse(`${specials}a\r\n\u0085b\u3000\n\ufeffc\n`).tokens.slice(5)).toEqual([
      'a',
      'b',
      '\ufeffc',
    ]);
  });

  it('does not end a line at U+2028, and keeps the id of a line that has nothing else', () => {
    expect(parse(`${specials}a\u2028b\n\u2028\nc\n`).ids.get('c')).toBe(7);
  });

  it('drops a byte order mark', () => {
    expect(parse(`\ufeff${specials}`).padId).toBe(0);
  });

  it.each([
    ['a repeated token', `${specials}a\nb\na\n`, /line 8 repeats line 6/],
    ['an empty line', `${specials}\r\nb\n`, /line 6 is empty/],
    ['a missing special token', '[PAD]\n[UNK]\n[CLS]\n[SEP]\nx\n', /no \[MASK\]/],
    ['an empty file', '', /no \[PAD\]/],
  ])('refuses %s', (_case, text, message) => {
    expect(() => parse(text)).toThrowError(
      expect.objectContaining({
        code: 'DATA_VOCABULARY_INVALID',
        message: expect.stringMatching(message),
      }),
    );
  });

  it('may end its lines at CR', () => {
    expect(parse(`${specials}a\n`.replaceAll('\n', '\r')).ids.get('a')).toBe(5);
  });

  it.each(['', '\ufeff'])('refuses UTF-16 with the right advice', (mark) => {
    const bytes = Buffer.from(`${mark}${specials}`, 'utf16le');
    expect(() => parseVocabulary(bytes, 'vocab.txt')).toThrowError(
      /vocab\.txt is UTF-16: convert it with iconv -f utf-16le -t utf-8/,
    );
  });

  it('refuses bytes that are not UTF-8', () => {
    expect(() => parseVocabulary(Buffer.from([0x61, 0xff]), 'vocab.txt')).toThrowError(
      expect.objectContaining({
        code: 'DATA_VOCABULARY_INVALID',
        message: expect.stringContaining('vocab.txt is not UTF-8'),
      }),
    );
  });
});
