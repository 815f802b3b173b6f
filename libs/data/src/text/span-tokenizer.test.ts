import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createSpanTokenizer } from './span-tokenizer.ts';
import { finish } from './work.ts';
import { createTokenizer } from './tokenizer.ts';
import { createVocabulary, specialTokens } from './vocabulary.ts';

const letters = 'abcdeéσςο中文ﬁßi1,.\u0301';
const vocabulary = createVocabulary([
  ...specialTokens,
  ...new Set([...Array.from(letters), ...Array.from(letters.normalize('NFD')), 'cafe', 'smith']),
  ...Array.from('abcdeσςοßi1', (letter) => `##${letter}`),
]);

describe.each([true, false])('where tokens stand, doLowerCase %s', (doLowerCase) => {
  const tokenizing = createSpanTokenizer(vocabulary, { doLowerCase });

  it('finds the same tokens as the tokeniser without places, in order and inside the text', () => {
    const plain = createTokenizer(vocabulary, { doLowerCase });
    const character = fc.oneof(
      fc.constantFrom(
        ...Array.from('abcÉéΣσςο中ﬁßİ1,. \t\n'),
        '\u0301',
        '\u0327',
        '\u302e',
        '\u200b',
        '\u00a0',
        '😀',
      ),
      fc.string({ unit: 'grapheme', maxLength: 1 }),
    );
    fc.assert(
      fc.property(fc.array(character, { maxLength: 20 }), (characters) => {
        const text = characters.join('');
        const { ids, starts, ends } = finish(tokenizing(text));
        expect(ids).toEqual(plain.tokenize(text));
        for (const [i, start] of starts.entries()) {
          expect(start).toBeGreaterThanOrEqual(i === 0 ? 0 : starts[i - 1]!);
          expect(ends[i]).toBeGreaterThan(start);
          expect(ends[i]).toBeLessThanOrEqual(text.length);
        }
      }),
      { seed: 20261129, numRuns: 500 },
    );
  });
});

describe('what a token is of the text', () => {
  it.each([
    {
      doLowerCase: true,
      text: 'Cafe\u0301 (SMITH) 中文',
      words: ['Cafe\u0301', '(', 'SMITH', ')', '中', '文'],
    },
    {
      doLowerCase: false,
      text: 'cafe (smith) 中文',
      words: ['cafe', '(', 'smith', ')', '中', '文'],
    },
  ])('is as it was written, doLowerCase $doLowerCase', ({ doLowerCase, text, words }) => {
    const { starts, ends } = finish(createSpanTokenizer(vocabulary, { doLowerCase })(text));
    expect(starts.map((start, i) => text.slice(start, ends[i]))).toEqual(words);
  });
});
