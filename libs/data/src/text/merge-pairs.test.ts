import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { collectAlphabet, toCharacterPieces } from './alphabet.ts';
import { mergePairs } from './merge-pairs.ts';
import type { WordCounts } from './word-counts.ts';
import { finish } from './work.ts';

/** The same merges by counting all pairs anew each time. */
function mergeSlowly(
  counts: WordCounts,
  alphabet: readonly string[],
  minFrequency: number,
): string[] {
  const pieces = [...alphabet];
  const words = [...counts].map(([word, count]) => ({ count, pieces: toCharacterPieces(word) }));
  for (;;) {
    const frequencies = new Map<string, number>();
    for (const word of words) {
      for (const [i, right] of word.pieces.entries()) {
        if (i === 0) continue;
        const pair = `${word.pieces[i - 1]} ${right}`;
        frequencies.set(pair, (frequencies.get(pair) ?? 0) + word.count);
      }
    }
    const rank = (pair: string): number[] => pair.split(' ').map((piece) => pieces.indexOf(piece));
    const [best] = [...frequencies].sort(([a, numA], [b, numB]) => {
      const [[leftA = 0, rightA = 0], [leftB = 0, rightB = 0]] = [rank(a), rank(b)];
      return numB - numA || leftA - leftB || rightA - rightB;
    });
    if (best === undefined || best[1] < minFrequency) return pieces.slice(alphabet.length);
    const [left = '', right = ''] = best[0].split(' ');
    const piece = left + right.slice(2);
    if (!pieces.includes(piece)) pieces.push(piece);
    for (const word of words) {
      const merged: string[] = [];
      for (const next of word.pieces) {
        if (next === right && merged.at(-1) === left) merged.splice(-1, 1, piece);
        else merged.push(next);
      }
      word.pieces = merged;
    }
  }
}

describe('pair merging', () => {
  it('makes the pieces that counting all pairs anew makes', () => {
    const word = fc.string({
      unit: fc.constantFrom('a', 'b', '\u{10428}'),
      minLength: 1,
      maxLength: 9,
    });
    const counts = fc
      .array(fc.tuple(word, fc.integer({ min: 1, max: 5 })), { maxLength: 12 })
      .map((entries) => new Map(entries));
    fc.assert(
      fc.property(counts, fc.integer({ min: 1, max: 4 }), (counts, minFrequency) => {
        const { pieces } = finish(collectAlphabet(counts));
        const made = [...mergePairs(counts, pieces, minFrequency)];
        expect(made.filter((piece) => piece !== undefined)).toEqual(
          mergeSlowly(counts, pieces, minFrequency),
        );
      }),
      { numRuns: 300 },
    );
  });
});
