import { describe, expect, it } from 'vitest';
import { createWordCounter, type WordCounterOptions } from './word-counter.ts';
import { decodeWordCounts } from './word-counts.ts';

async function count(
  sentences: readonly string[],
  options: Partial<WordCounterOptions> = {},
): Promise<Record<string, number>> {
  const counter = createWordCounter({ doLowerCase: true, ...options });
  await counter.add(sentences);
  return Object.fromEntries(decodeWordCounts(await counter.encode()));
}

describe('word counter', () => {
  it('counts basic-tokenised words', async () => {
    expect(await count(['The end. (the END)', 'end'])).toEqual({
      the: 2,
      end: 3,
      '.': 1,
      '(': 1,
      ')': 1,
    });
  });

  it('goes on counting after the counts were looked at', async () => {
    const counter = createWordCounter({ doLowerCase: false });
    await counter.add(['a A']);
    await counter.encode();
    await counter.add(['a']);
    expect([...decodeWordCounts(await counter.encode())]).toEqual([
      ['A', 1],
      ['a', 2],
    ]);
  });

  it('leaves out words that can only be unknown, and lone surrogates', async () => {
    expect(await count([`ok ${'x'.repeat(201)} a\ud800`])).toEqual({ ok: 1 });
  });

  it('counts the same in many small lists', async () => {
    const sentences = Array.from({ length: 300 }, (_, i) => `w${i % 70} v${(i * i) % 90} end,`);
    expect(await count(sentences, { maxWordsInMap: 7 })).toEqual(await count(sentences));
  });

  it('forgets the rarest words when there are too many, and says how many', async () => {
    const counter = createWordCounter({ doLowerCase: true, maxWords: 2 });
    await counter.add(['a a a b b c d e']);
    const counts = decodeWordCounts(await counter.encode());
    expect(Object.fromEntries(counts)).toEqual({ a: 3, b: 2 });
    expect(counts.dropped).toEqual({ numWords: 3, numOccurrences: 3 });
  });

  it('counts words as they are given', async () => {
    const counts = await count([`n't U.S n't ${'a,'.repeat(50_000)}`], { pretokenised: true });
    expect(counts).toEqual({ "n't": 2, 'u.s': 1 });
  });
});
