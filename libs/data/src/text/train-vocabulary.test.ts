import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { collectAlphabet } from './alphabet.ts';
import { mergePairs } from './merge-pairs.ts';
import { createTokenizer } from './tokenizer.ts';
import { trainVocabulary } from './train-vocabulary.ts';
import { parseVocabulary, specialTokens } from './vocabulary.ts';
import { createWordCounter, type WordCounts } from './word-counter.ts';

const excerpt = readFileSync(new URL('../../test/golden/excerpt.txt', import.meta.url), 'utf8');
const sentences = excerpt.split('\n').filter((line) => line !== '');

function count(lines: Iterable<string>): WordCounts {
  const counter = createWordCounter({ doLowerCase: true });
  for (const line of lines) counter.add(line);
  return counter.counts();
}

const train = (lines: Iterable<string>, size: number, minFrequency = 2): readonly string[] =>
  trainVocabulary(count(lines), { size, minFrequency }).tokens;

describe('vocabulary trainer', () => {
  // The example of Sennrich et al. (arXiv 1508.07909, section 3.2) worked by hand in WordPiece spelling.
  const counts: WordCounts = new Map([
    ['low', 5],
    ['lower', 2],
    ['newest', 6],
    ['widest', 3],
  ]);
  const alphabet = 'l n w ##d ##e ##i ##o ##r ##s ##t ##w'.split(' ');

  it('merges the most frequent pair first, ties by the ids of the alphabet', () => {
    // 9 times: ##e ##s and ##s ##t, ##e has the lower id; then ##es ##t. 7 times: l ##o before ##o ##w; then lo ##w.
    // 6 times: n ##e before ##e ##w and ##w ##est; then ##w ##est before ne ##w, whose ids are newer; ne ##west.
    // 3 times: w ##i before ##d ##est and ##i ##d; then ##d ##est before wi ##d; wi ##dest. Twice: ##e ##r, low ##er.
    const expected = '##es ##est lo low ne ##west newest wi ##dest widest ##er lower'.split(' ');
    expect([...mergePairs(counts, alphabet, 2)]).toEqual(expected);
    expect(trainVocabulary(counts, { size: 28, minFrequency: 2 }).tokens).toEqual([
      ...specialTokens,
      ...alphabet,
      ...expected,
    ]);
  });

  it('stops at pairs rarer than the minimum', () => {
    expect([...mergePairs(counts, alphabet, 7)]).toEqual(['##es', '##est', 'lo', 'low']);
  });

  it('merges repeated pieces from the left, and makes no piece twice', () => {
    const pieces = [
      ...mergePairs(
        new Map([
          ['aaaaa', 3],
          ['aaab', 2],
        ]),
        ['a', '##a', '##b'],
        1,
      ),
    ];
    expect(new Set(pieces).size).toBe(pieces.length);
    expect(pieces[0]).toBe('##aa');
    expect(pieces).toEqual(expect.arrayContaining(['aaaaa', 'aaab']));
  });

  it('gives the same vocabulary for any order of the sentences and any number of counters', () => {
    const expected = train(sentences, 600);
    fc.assert(
      fc.property(
        fc.shuffledSubarray(sentences, { minLength: sentences.length }),
        fc.integer({ min: 1, max: 4 }),
        (shuffled, numCounters) => {
          const merged = createWordCounter({ doLowerCase: true });
          for (let i = 0; i < numCounters; i += 1) {
            merged.merge(count(shuffled.filter((_, index) => index % numCounters === i)));
          }
          const vocabulary = trainVocabulary(merged.counts(), { size: 600, minFrequency: 2 });
          expect(vocabulary.tokens).toEqual(expected);
        },
      ),
      { numRuns: 5 },
    );
  });

  it.each([64, 333, 1000])('has exactly %i entries', (size) => {
    expect(train(sentences, size)).toHaveLength(size);
  });

  it('orders the alphabet by code point, not by UTF-16 unit, pieces that continue a word last', () => {
    expect(collectAlphabet(count(['bb \u{10428}a \uff5aa b2 2b'])).pieces).toEqual(
      '2 b \uff5a \u{10428} ##2 ##a ##b'.split(' '),
    );
  });

  it('keeps the most frequent half when the alphabet is large, the rest after the merges', () => {
    const text = ['a a a a b b b c c d hi hi hi'];
    // a 4 times; b, h and ##i 3 times; c twice; d once. The pair hi occurs 3 times.
    expect(train(text, 9)).toEqual([...specialTokens, 'a', 'b', 'h', '##i']);
    expect(train(text, 12)).toEqual([...specialTokens, 'a', 'b', 'c', 'd', 'h', '##i', 'hi']);
    expect(train(text, 11)).toEqual([...specialTokens, 'a', 'b', 'c', 'h', '##i', 'hi']);
  });

  it('says how many entries the text supports, and supports that many', () => {
    expect(() => train(['low lower lowest'], 64)).toThrowError(
      expect.objectContaining({
        code: 'DATA_VOCABULARY_TOO_LARGE',
        details: { size: 64, supportedSize: 15, minFrequency: 2 },
        message: expect.stringContaining('set vocabulary.size to 15 or less'),
      }),
    );
    expect(train(['low lower lowest'], 15)).toHaveLength(15);
  });
});

describe('vocabulary trained on the demo corpus', () => {
  const corpus = new URL('../../../../corpus/sotu.jsonl.gz', import.meta.url);
  const texts = gunzipSync(readFileSync(corpus))
    .toString()
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { text: string }).text);

  const counts = count(texts);

  it('has the pieces that Hugging Face tokenizers finds, but for a few of equal frequency', () => {
    const { ids } = parseVocabulary(
      readFileSync(new URL('../../test/golden/vocab-8192.txt', import.meta.url)),
      'vocab-8192.txt',
    );
    const { tokens } = trainVocabulary(counts, { size: 8192, minFrequency: 2 });
    expect(tokens).toHaveLength(8192);
    expect(tokens.filter((token) => ids.has(token)).length).toBeGreaterThanOrEqual(8190);
  });

  it('knows every word of the corpus', () => {
    const vocabulary = trainVocabulary(counts, { size: 1000, minFrequency: 2 });
    const tokenizer = createTokenizer(vocabulary, { doLowerCase: true });
    const isUnknown = (word: string): boolean =>
      tokenizer.tokenize(word).includes(vocabulary.unkId);
    expect(counts.size).toBeGreaterThan(25_000);
    expect([...counts.keys()].filter(isUnknown)).toEqual([]);
  });
});
