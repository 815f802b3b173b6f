import { beforeAll, describe, expect, it } from 'vitest';
import { extendVocabulary, measurePieces } from './extend-vocabulary.ts';
import { oldEntriesOf } from './old-entries.ts';
import { createVocabulary, specialTokens, type Vocabulary } from './vocabulary.ts';

const pieces = ['re', '##frac', '##t', '##ion', 'pris', '##m', 'light', '##s', 'fraction'];
const before = createVocabulary([...specialTokens, '[unused0]', ...pieces, '[unused1]']);

const counts = new Map([
  ['light', 100], // known as it is
  ['refraction', 10], // 4 pieces: saves 30
  ['prism', 20], // 2 pieces: saves 20
  ['lights', 19], // saves 19
  ['λ', 21], // [UNK] of one character: counts as 2 pieces, saves 21
  ['δε', 9], // [UNK] of two characters: saves 18
  ['refracts', 1], // too rare
]);
const options = { numPieces: 4, minFrequency: 2 };

describe('an extended vocabulary', () => {
  let after: Vocabulary;
  beforeAll(async () => {
    after = await extendVocabulary(before, counts, options);
  });

  it('has the words that save most pieces, in unused places first, and keeps all other ids', () => {
    expect(after.tokens).toEqual([
      ...specialTokens,
      'refraction',
      ...pieces,
      'λ',
      'prism',
      'lights',
    ]);
  });

  it('does not depend on the order in which words were counted', async () => {
    const reversed = new Map([...counts].reverse());
    const again = await extendVocabulary(before, reversed, options);
    expect(again.tokens).toEqual(after.tokens);
    const equal = new Map(['bb', 'aa', 'cc'].map((word) => [word, 5]));
    const first = await extendVocabulary(before, equal, { numPieces: 2, minFrequency: 1 });
    expect([...first.ids.keys()].filter((token) => equal.has(token))).toEqual(['aa', 'bb']);
  });

  it('is refused for more words than the text has', async () => {
    await expect(extendVocabulary(before, counts, { ...options, numPieces: 6 })).rejects.toThrow(
      /has 5 words .* occur 2 times or more, not 6: set vocabulary\.extend to 5 or less, set vocabulary\.minFrequency below 2/,
    );
  });

  it('is measured by [UNK] and pieces', async () => {
    expect(await measurePieces(before, counts)).toEqual({ numTokens: 252, numUnknownTokens: 30 });
    expect(await measurePieces(after, counts)).toEqual({ numTokens: 183, numUnknownTokens: 9 });
  });

  it('says what each new entry was', () => {
    const id = (token: string): number => before.ids.get(token)!;
    expect(oldEntriesOf(before, after)).toEqual(
      new Map([
        [5, ['re', '##frac', '##t', '##ion'].map(id)],
        [15, [before.unkId]],
        [16, ['pris', '##m'].map(id)],
        [17, ['light', '##s'].map(id)],
      ]),
    );
    expect(oldEntriesOf(before, before)).toEqual(new Map());
    const continued = createVocabulary([...before.tokens, '##tion', '##light']);
    expect([...oldEntriesOf(before, continued).values()]).toEqual([
      ['##t', '##ion'].map(id),
      [before.unkId],
    ]);
  });

  it('is no other vocabulary', () => {
    const other = before.tokens.map((token) => (token === 'light' ? 'dark' : token));
    expect(() => oldEntriesOf(before, createVocabulary(other))).toThrow(
      /Entry 12 of the vocabulary is "dark", and "light" in the model/,
    );
    expect(() => oldEntriesOf(before, createVocabulary(before.tokens.slice(0, -1)))).toThrow(
      /15 entries, and the model to begin with 16/,
    );
  });
});
