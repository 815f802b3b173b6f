import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { collectAlphabet } from './alphabet.ts';
import { mergePairs } from './merge-pairs.ts';
import { mergeWordCounts } from './merge-word-counts.ts';
import { createTokenizer } from './tokenizer.ts';
import { trainVocabulary } from './train-vocabulary.ts';
import { parseVocabulary, specialTokens } from './vocabulary.ts';
import { createWordCounter } from './word-counter.ts';
import { decodeWordCounts, type StoredWordCounts, type WordCounts } from './word-counts.ts';
import { finish } from './work.ts';

const excerpt = readFileSync(new URL('../../test/golden/excerpt.txt', import.meta.url), 'utf8');
const sentences = excerpt.split('\n').filter((line) => line !== '');

async function countedBytes(lines: Iterable<string>): Promise<Uint8Array> {
  const counter = createWordCounter({ doLowerCase: true });
  await counter.add(lines);
  return await counter.encode();
}

const count = async (lines: Iterable<string>): Promise<StoredWordCounts> =>
  decodeWordCounts(await countedBytes(lines));

async function train(
  lines: Iterable<string>,
  size: number,
  minFrequency = 2,
): Promise<readonly string[]> {
  return (await trainVocabulary(await count(lines), { size, minFrequency })).tokens;
}

const piecesOf = (
  counts: WordCounts,
  alphabet: readonly string[],
  minFrequency: number,
): string[] =>
  [...mergePairs(counts, alphabet, minFrequency)].filter((piece) => piece !== undefined);

describe('vocabulary trainer', () => {
  // The example of Sennrich et al. (arXiv 1508.07909, section 3.2) worked by hand in WordPiece spelling.
  const counts: WordCounts = new Map([
    ['low', 5],
    ['lower', 2],
    ['newest', 6],
    ['widest', 3],
  ]);
  const alphabet = 'l n w ##d ##e ##i ##o ##r ##s ##t ##w'.split(' ');

  it('merges the most frequent pair first, ties by the ids of the alphabet', async () => {
    // 9 times: ##e ##s and ##s ##t, ##e has the lower id; then ##es ##t. 7 times: l ##o before ##o ##w; then lo ##w.
    // 6 times: n ##e before ##e ##w and ##w ##est; then ##w ##est before ne ##w, whose ids are newer; ne ##west.
    // 3 times: w ##i before ##d ##est and ##i ##d; then ##d ##est before wi ##d; wi ##dest. Twice: ##e ##r, low ##er.
    const expected = '##es ##est lo low ne ##west newest wi ##dest widest ##er lower'.split(' ');
    expect(piecesOf(counts, alphabet, 2)).toEqual(expected);
    const { tokens } = await trainVocabulary(counts, { size: 28, minFrequency: 2 });
    expect(tokens).toEqual([...specialTokens, ...alphabet, ...expected]);
  });

  it('stops at pairs rarer than the minimum', () => {
    expect(piecesOf(counts, alphabet, 7)).toEqual(['##es', '##est', 'lo', 'low']);
  });

  it('merges repeated pieces from the left, and makes no piece twice', () => {
    const counts = new Map([
      ['aaaaa', 3],
      ['aaab', 2],
    ]);
    const pieces = piecesOf(counts, ['a', '##a', '##b'], 1);
    expect(new Set(pieces).size).toBe(pieces.length);
    expect(pieces[0]).toBe('##aa');
    expect(pieces).toEqual(expect.arrayContaining(['aaaaa', 'aaab']));
  });

  it('gives the same vocabulary for any order of the sentences and any number of counters', async () => {
    const expected = await train(sentences, 600);
    await fc.assert(
      fc.asyncProperty(
        fc.shuffledSubarray(sentences, { minLength: sentences.length }),
        fc.integer({ min: 1, max: 4 }),
        async (shuffled, numCounters) => {
          const lists: Uint8Array[] = [];
          for (let i = 0; i < numCounters; i += 1)
            lists.push(
              await countedBytes(shuffled.filter((_, index) => index % numCounters === i)),
            );
          const counts = decodeWordCounts(await mergeWordCounts(lists));
          const vocabulary = await trainVocabulary(counts, { size: 600, minFrequency: 2 });
          expect(vocabulary.tokens).toEqual(expected);
        },
      ),
      { numRuns: 5 },
    );
  });

  it.each([64, 333, 1000])('has exactly %i entries', async (size) => {
    expect(await train(sentences, size)).toHaveLength(size);
  });

  it('orders the alphabet by code point, not by UTF-16 unit, pieces that continue a word last', async () => {
    const counts = await count(['bb \u{10428}a \uff5aa b2 2b']);
    expect(finish(collectAlphabet(counts)).pieces).toEqual(
      '2 b \uff5a \u{10428} ##2 ##a ##b'.split(' '),
    );
  });

  it('keeps the most frequent half when the alphabet is large, the rest after the merges', async () => {
    const text = ['a a a a b b b c c d hi hi hi'];
    // a 4 times; b, h and ##i 3 times; c twice; d once. The pair hi occurs 3 times.
    expect(await train(text, 9)).toEqual([...specialTokens, 'a', 'b', 'h', '##i']);
    expect(await train(text, 12)).toEqual([...specialTokens, 'a', 'b', 'c', 'd', 'h', '##i', 'hi']);
    expect(await train(text, 11)).toEqual([...specialTokens, 'a', 'b', 'c', 'h', '##i', 'hi']);
  });

  it('says how many entries the text supports, and supports that many', async () => {
    await expect(train(['low lower lowest'], 64)).rejects.toThrow(
      expect.objectContaining({
        code: 'DATA_VOCABULARY_TOO_LARGE',
        details: { size: 64, supportedSize: 15, minFrequency: 2 },
        message: expect.stringContaining('set vocabulary.size to 15 or less'),
      }),
    );
    expect(await train(['low lower lowest'], 15)).toHaveLength(15);
  });
});

describe('vocabulary trained on the demo corpus', () => {
  const corpus = new URL('../../../../corpus/sotu.jsonl.gz', import.meta.url);
  const texts = gunzipSync(readFileSync(corpus))
    .toString()
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { text: string }).text);

  let counts: StoredWordCounts;
  beforeAll(async () => {
    counts = await count(texts);
  });

  it('has the pieces that Hugging Face tokenizers finds, but for a few of equal frequency', async () => {
    const { ids } = parseVocabulary(
      readFileSync(new URL('../../test/golden/vocab-8192.txt', import.meta.url)),
      'vocab-8192.txt',
    );
    const { tokens } = await trainVocabulary(counts, { size: 8192, minFrequency: 2 });
    expect(tokens).toHaveLength(8192);
    expect(tokens.filter((token) => ids.has(token)).length).toBeGreaterThanOrEqual(8190);
  });

  it('knows every word of the corpus', async () => {
    const vocabulary = await trainVocabulary(counts, { size: 1000, minFrequency: 2 });
    const tokenizer = createTokenizer(vocabulary, { doLowerCase: true });
    const isUnknown = (word: string): boolean =>
      tokenizer.tokenize(word).includes(vocabulary.unkId);
    expect(counts.numWords).toBeGreaterThan(25_000);
    expect(Array.from(counts, ([word]) => word).filter(isUnknown)).toEqual([]);
  });
});
