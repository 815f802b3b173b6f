import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { basicTokenize } from './basic-tokenizer.ts';
import { createTokenizer, createTokenTally, splitLong } from './tokenizer.ts';
import { createVocabulary, parseVocabulary, specialTokens } from './vocabulary.ts';

interface GoldenText {
  readonly text: string;
  readonly uncased: number[];
  readonly cased: number[];
}

const golden = (name: string): Buffer =>
  readFileSync(new URL(`../../test/golden/${name}`, import.meta.url));
const vocabulary = parseVocabulary(golden('vocab-8192.txt'), 'vocab-8192.txt');
const texts = gunzipSync(golden('google-tokenizer.jsonl.gz'))
  .toString()
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as GoldenText);

const uncased = createTokenizer(vocabulary, { doLowerCase: true });
const cased = createTokenizer(vocabulary, { doLowerCase: false });

/** The vocabulary of google-research/bert tokenization_test.py. */
const small = createTokenizer(
  createVocabulary([
    ...specialTokens,
    ...'want ##want ##ed wa un runn ##ing , [ ] mask'.split(' '),
  ]),
  { doLowerCase: true },
);
const smallTokens = (text: string): (string | undefined)[] =>
  small.tokenize(text).map((id) => small.vocabulary.tokens[id]);

describe('tokenizer against google-research/bert', () => {
  it('gives the same uncased ids for all golden strings', () => {
    expect(texts).toHaveLength(3324);
    for (const { text, uncased: ids } of texts) {
      expect({ text, ids: uncased.tokenize(text) }).toEqual({ text, ids });
    }
  });

  it('gives the same cased ids for all golden strings', () => {
    for (const { text, cased: ids } of texts) {
      expect({ text, ids: cased.tokenize(text) }).toEqual({ text, ids });
    }
  });

  it('splits accented words and punctuation as the published example', () => {
    expect(smallTokens('UNwant\u00E9d,running')).toEqual([
      'un',
      '##want',
      '##ed',
      ',',
      'runn',
      '##ing',
    ]);
  });

  it('makes a whole word unknown when any part of it matches nothing', () => {
    expect(smallTokens('unwanted unwantedX running')).toEqual([
      'un',
      '##want',
      '##ed',
      '[UNK]',
      'runn',
      '##ing',
    ]);
  });

  it('never recognises special tokens in text', () => {
    expect(smallTokens('[MASK]')).toEqual(['[', 'mask', ']']);
  });

  it('knows a word of 200 code points, not of 201, however many UTF-16 units they take', () => {
    const deseret = '\u{10428}';
    const tokenizer = createTokenizer(
      createVocabulary([...specialTokens, deseret, `##${deseret}`]),
      { doLowerCase: true },
    );
    expect(tokenizer.tokenize(deseret.repeat(200))).toEqual([5, ...Array<number>(199).fill(6)]);
    expect(tokenizer.tokenize(deseret.repeat(201))).toEqual([tokenizer.vocabulary.unkId]);
  });
});

describe('basic tokenisation', () => {
  it.each([
    ['U+00A0 is whitespace', 'a\u00a0b', ['a', 'b']],
    ['U+2028 and U+2029 are whitespace', 'a\u2028b\u2029c', ['a', 'b', 'c']],
    ['control and format characters vanish', 'a\u0005b\u200dc\u0000d\ufffde', ['abcde']],
    ['a vertical tab vanishes', 'a\u000bb', ['ab']],
    ['ideographs stand alone, kana do not', '日本ひら', ['日', '本', 'ひら']],
    ['ASCII symbols count as punctuation', 'a$b`c', ['a', '$', 'b', '`', 'c']],
    ['accents go, final sigma is contextual', 'ΟΔΌΣ É', ['οδος', 'e']],
    ['a lone surrogate stays in its word', 'a\ud800b', ['a\ud800b']],
    ['nothing comes from nothing', ' \n ', []],
  ])('%s', (_rule, text, words) => {
    expect(basicTokenize(text, { doLowerCase: true })).toEqual(words);
  });

  it('keeps case and accents when cased', () => {
    expect(basicTokenize('Été, Ça', { doLowerCase: false })).toEqual(['Été', ',', 'Ça']);
  });
});

describe('a long stretch without a space', () => {
  const parts = [
    '日',
    'ΑΣ',
    'ΟΔΟΣ-',
    'Σ.',
    ',',
    'É',
    '\u0301',
    'walk',
    '2,5',
    '𠀀',
    '(',
    '\u200b',
    "Σ'Α",
  ];

  it('is cut where its parts tokenise independently', () => {
    const run = fc.tuple(fc.constantFrom(...parts), fc.integer({ min: 1, max: 1500 }));
    fc.assert(
      fc.property(fc.array(run, { minLength: 3, maxLength: 12 }), (runs) => {
        const text = runs.map(([part, times]) => part.repeat(times)).join('');
        const options = { doLowerCase: true };
        const chunks = splitLong(text, false);
        expect(chunks.join('')).toBe(text);
        expect(chunks.flatMap((chunk) => basicTokenize(chunk, options))).toEqual(
          basicTokenize(text, options),
        );
      }),
      { numRuns: 30 },
    );
  });

  it.each([
    ['one word', 'é', 1],
    ['ideographs', '日', 1_000_000],
    ['dropped characters', '\u0093', 0],
  ])('may be of a million characters: %s', (_case, letter, numTokens) => {
    expect(uncased.tokenize(letter.repeat(1_000_000))).toHaveLength(numTokens);
  });
});

describe('tally', () => {
  it('counts what is lost, the same from a cache', () => {
    const words = createVocabulary([...specialTokens, 'walk', '##ing', '.']);
    const tokenizer = createTokenizer(words, { doLowerCase: true });
    const tally = createTokenTally();
    const text = `walking nowhere. \u0093walk\ufffd ${'w'.repeat(201)} nowhere`;
    const ids = [tokenizer.tokenize(text, tally), tokenizer.tokenize(text, tally)].flat();
    expect(tally).toEqual({
      numCharacters: 2 * text.replaceAll(' ', '').length,
      numUnknownTokens: ids.filter((id) => id === words.unkId).length,
      numUnknownCharacters: 2 * (7 + 201 + 7),
      numDroppedCharacters: 2 * 2,
      numLongWords: 2,
    });
  });
});

describe('tokenizer laws', () => {
  const anyText = fc
    .array(
      fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.constantFrom(' ', '\n', 'the ', 'Unaffable,', '\ud800', '日', 'ing', "don't "),
      ),
    )
    .map((parts) => parts.join(''));

  it('gives the same ids with any size of cache', () => {
    const tiny = createTokenizer(vocabulary, { doLowerCase: true, numCachedWords: 2 });
    const none = createTokenizer(vocabulary, { doLowerCase: true, numCachedWords: 0 });
    fc.assert(
      fc.property(anyText, (text) => {
        const ids = none.tokenize(text);
        expect(tiny.tokenize(text)).toEqual(ids);
        expect(uncased.tokenize(text)).toEqual(ids);
        expect(uncased.tokenize(text)).toEqual(ids);
      }),
    );
  });

  it('cuts a word into the longest pieces, which spell it', () => {
    const letters = fc.string({
      unit: fc.constantFrom(...'a b c d e i n o r s t'.split(' ')),
      minLength: 1,
    });
    fc.assert(
      fc.property(letters, (word) => {
        let rest = word;
        for (const id of uncased.tokenize(word)) {
          const isFirst = rest === word;
          const piece = (vocabulary.tokens[id] ?? '').slice(isFirst ? 0 : 2);
          expect(rest.startsWith(piece)).toBe(true);
          for (let end = piece.length + 1; end <= rest.length; end += 1) {
            const longer = (isFirst ? '' : '##') + rest.slice(0, end);
            expect(vocabulary.ids.has(longer)).toBe(false);
          }
          rest = rest.slice(piece.length);
        }
        expect(rest).toBe('');
      }),
    );
  });
});

describe('words as they are given', () => {
  const words = createVocabulary([...specialTokens, "n't", 'a,b', '##,', 'u.s', '日本', 'été']);
  const tokensOf = (text: string, doLowerCase: boolean): (string | undefined)[] =>
    createTokenizer(words, { doLowerCase, pretokenised: true })
      .tokenize(text)
      .map((id) => words.tokens[id]);

  it('are split by WordPiece only', () => {
    expect(tokensOf("n't a,b a,b, U.S 日本 été", false)).toEqual([
      "n't",
      'a,b',
      'a,b',
      '##,',
      '[UNK]',
      '日本',
      'été',
    ]);
    expect(tokensOf('U.S', true)).toEqual(['u.s']);
  });

  it('may be many, or one that is very long', () => {
    const many = 'a,b '.repeat(40_000);
    expect(tokensOf(many, true)).toHaveLength(40_000);
    expect(tokensOf(`${many}${'a,'.repeat(100_000)} 日本`, true).slice(40_000)).toEqual([
      '[UNK]',
      '日本',
    ]);
    expect(tokensOf('a,'.repeat(5_000), false)).toEqual(['[UNK]']);
  });
});
