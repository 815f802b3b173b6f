import { BerthError } from '@berth/contracts';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mergeWordCounts } from './merge-word-counts.ts';
import { decodeWordCounts, encodeWordCounts } from './word-counts.ts';

const words = fc.oneof(
  fc.string({ unit: fc.constantFrom('a', 'b', 'é', '日', '\uff5a', '\u{10428}'), minLength: 1 }),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 200 }),
);
const someCounts = fc
  .array(fc.tuple(words, fc.oneof(fc.integer({ min: 1, max: 4 }), fc.maxSafeNat())))
  .map((entries) => new Map(entries));

const byCodePoint = (a: string, b: string): number =>
  Buffer.compare(Buffer.from(a), Buffer.from(b));

function sumOf(maps: readonly ReadonlyMap<string, number>[]): Map<string, number> {
  const sum = new Map<string, number>();
  for (const [word, count] of maps.flatMap((counts) => [...counts]))
    sum.set(word, (sum.get(word) ?? 0) + count);
  return sum;
}

describe('counts that are stored', () => {
  it('come back, by code point, whatever order they were counted in', () => {
    fc.assert(
      fc.property(someCounts, (counts) => {
        const bytes = encodeWordCounts(counts);
        const decoded = decodeWordCounts(bytes);
        const expected = [...counts].sort(([a], [b]) => byCodePoint(a, b));
        expect([...decoded]).toEqual(expected);
        expect([...decoded]).toEqual(expected);
        expect(decoded.numWords).toBe(counts.size);
        expect(encodeWordCounts(new Map([...counts].reverse()))).toEqual(bytes);
      }),
    );
  });

  it('take fewer bytes than the words', () => {
    const counts = new Map(Array.from({ length: 20_000 }, (_, i) => [`word${i}`, (i % 7) + 1]));
    const bytes = encodeWordCounts(counts);
    expect([...decodeWordCounts(bytes)]).toHaveLength(20_000);
    expect(bytes.length).toBeLessThan(20_000 * 4.5);
  });

  it('are refused when any byte is another one, or missing', () => {
    const bytes = encodeWordCounts(new Map([['light', 3], ['lights', 200]])); // oxfmt-ignore
    for (const [i, byte] of bytes.entries()) {
      const other = Uint8Array.from(bytes);
      other[i] = byte ^ 1;
      expect(() => [...decodeWordCounts(other)]).toThrow(BerthError);
      expect(() => [...decodeWordCounts(bytes.subarray(0, i))]).toThrow(BerthError);
    }
  });
});

describe('lists of counts', () => {
  it('add up, in any order and in a tree of any shape', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(someCounts, { minLength: 1, maxLength: 5 }), async (maps) => {
        const sum = encodeWordCounts(sumOf(maps));
        const lists = maps.map(encodeWordCounts);
        expect(await mergeWordCounts(lists)).toEqual(sum);
        let tree = lists[0]!;
        for (const list of lists.slice(1)) tree = await mergeWordCounts([list, tree]);
        expect(tree).toEqual(sum);
      }),
      { numRuns: 50 },
    );
  });

  it('lose the rarest words where there are too many, evenly among equals, and say how many', async () => {
    const frequent = new Map(Array.from({ length: 50 }, (_, i) => [`often${i}`, 5]));
    const rare = new Map(Array.from({ length: 10_000 }, (_, i) => [`rare${10_000 + i}`, 1]));
    const lists = [encodeWordCounts(frequent), encodeWordCounts(rare)];
    const merged = decodeWordCounts(await mergeWordCounts(lists, { maxWords: 5050 }));
    const kept = Array.from(merged, ([word]) => word);
    expect(kept.filter((word) => frequent.has(word))).toHaveLength(50);
    const numRare = kept.length - 50;
    expect(numRare).toBeLessThanOrEqual(5000);
    expect(numRare).toBeGreaterThan(4900);
    expect(merged.dropped).toEqual({
      numWords: 10_000 - numRare,
      numOccurrences: 10_000 - numRare,
    });
    const numLow = kept.filter((word) => word.startsWith('rare') && word < 'rare15000').length;
    expect(Math.abs(numLow - numRare / 2)).toBeLessThan(200);
    const again = await mergeWordCounts([encodeWordCounts(new Map([['new', 9]])), await mergeWordCounts(lists, { maxWords: 60 })]); // oxfmt-ignore
    expect(decodeWordCounts(again).dropped.numWords).toBeGreaterThanOrEqual(9990);
  });

  it('are bounded by their bytes too', async () => {
    const long = new Map(Array.from({ length: 100 }, (_, i) => [`${i}`.padStart(100, 'x'), i + 1]));
    const merged = await mergeWordCounts([encodeWordCounts(long)], { maxBytes: 1000 });
    const counts = Array.from(decodeWordCounts(merged), ([, count]) => count);
    expect(counts.sort((a, b) => a - b)).toEqual([91, 92, 93, 94, 95, 96, 97, 98, 99, 100]);
  });
});
