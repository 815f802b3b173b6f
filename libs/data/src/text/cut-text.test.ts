import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { basicTokenize, characterIs, stripAccents } from './basic-tokenizer.ts';
import { createSpanTokenizer } from './span-tokenizer.ts';
import { cutText } from './cut-text.ts';
import { createTokenizer, createTokenTally } from './tokenizer.ts';
import { createVocabulary, specialTokens } from './vocabulary.ts';
import { createWordCounter } from './word-counter.ts';
import { decodeWordCounts } from './word-counts.ts';
import { isTooLong } from './wordpiece.ts';
import { finish, inTurns } from './work.ts';

/** Words as google-research/bert finds them, character by character; those of more than 200 characters alike. */
function wordsOf(text: string, doLowerCase: boolean): string[] {
  let spaced = '';
  for (const character of text) {
    if (characterIs.dropped(character)) continue;
    if (characterIs.whitespace(character)) spaced += ' ';
    else spaced += characterIs.ideograph(character) ? ` ${character} ` : character;
  }
  const words: string[] = [];
  for (const word of spaced.split(' ')) {
    let current = '';
    for (const character of doLowerCase ? stripAccents(word.toLowerCase()) : word) {
      if (!characterIs.punctuation(character)) current += character;
      else {
        words.push(current, character);
        current = '';
      }
    }
    words.push(current);
  }
  return words.filter((word) => word !== '').map(shortOf);
}

const shortOf = (word: string): string => (isTooLong(word) ? 'too long' : word);

describe('a long text', () => {
  const parts = [
    'a', 'Σ', 'aΣ.', 'Σ\u00b7', '.', "'", ',', '日', '𠀀', '\u00a0', ' ', 'É', '\u0301', '\u302e', '\u0005', '\u00ad', '\u{10428}', '\ud800', '\u{10100}',
  ]; // oxfmt-ignore
  const run = fc.tuple(
    fc.array(fc.constantFrom(...parts), { minLength: 1, maxLength: 2 }),
    fc.constantFrom(1, 2, 3, 1000, 33_000, 70_000),
  );

  it.each([true, false])(
    'is cut where its parts tokenise independently, doLowerCase %s',
    (doLowerCase) => {
      const options = { doLowerCase };
      fc.assert(
        fc.property(fc.array(run, { minLength: 2, maxLength: 5 }), (runs) => {
          const text = runs.map(([part, times]) => part.join('').repeat(times)).join('');
          const cut = [...cutText(text, options)];
          for (const { text: part } of cut) expect(part.length).toBeLessThan(1 << 17);
          const words = cut.flatMap(({ text: part }) => basicTokenize(part, options));
          expect(words.map(shortOf).join(' ')).toBe(wordsOf(text, doLowerCase).join(' '));
        }),
        { numRuns: 12 },
      );
    },
  );
});

describe('text of 100,000 characters without a space', () => {
  const vocabulary = createVocabulary([...specialTokens, '日', 'ab', '.', ',', 'a', '##ς', '##σ']);
  const tokenizer = createTokenizer(vocabulary, { doLowerCase: true });
  const tokenizeSpans = createSpanTokenizer(vocabulary, { doLowerCase: true });
  const size = 100_000;

  it.each([
    { what: 'one word', text: 'x'.repeat(size), numTokens: 1, numLost: size },
    { what: 'an accented letter', text: `a${'\u0301'.repeat(size)}`, numTokens: 1, numLost: 0 },
    { what: 'words between points', text: 'ab.'.repeat(size / 4), numTokens: size / 2, numLost: 0 },
    {
      what: 'sigmas between points',
      text: 'aΣ.'.repeat(size / 4),
      numTokens: (3 * size) / 4,
      numLost: 0,
    },
    { what: 'ideographs', text: '日'.repeat(size), numTokens: size, numLost: 0 },
    { what: 'controls', text: `\u0093`.repeat(size), numTokens: 0, numLost: 0 },
  ])('is tokenised, with turns for others: $what', async ({ text, numTokens, numLost }) => {
    const tally = createTokenTally();
    const ids = await inTurns(tokenizer.tokenizing(text, tally));
    expect(ids).toHaveLength(numTokens);
    expect(tally.numCharacters).toBe(text.length);
    expect(tally.numUnknownCharacters).toBe(numLost);
    expect(tally.numDroppedCharacters).toBe(text.startsWith('\u0093') ? size : 0);
    expect(tokenizer.tokenize(text)).toEqual(ids);
    expect(finish(tokenizeSpans(text)).ids).toEqual(ids);
    const counter = createWordCounter({ doLowerCase: true });
    await counter.add([text]);
    let numWords = 0;
    for (const [, count] of decodeWordCounts(await counter.encode())) numWords += count;
    expect(numWords).toBe(wordsOf(text, true).filter((word) => word !== 'too long').length);
  });
});
