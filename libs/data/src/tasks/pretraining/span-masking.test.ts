import { describe, expect, it } from 'vitest';
import { CounterRandom } from '../../random/counter-random.ts';
import { maskTokens, numPredictionsFor } from './masking.ts';
import { numWordsOfSpan } from './span-masking.ts';
import { createPieceContinuations } from './word-continuations.ts';
import { defaultSettings } from '../../testing/example-fixture.ts';

const numEntries = 4000;
/** Every third is a piece that continues a word. */
const tokens = Array.from({ length: numEntries }, (_, id) => `${id % 3 === 2 ? '##' : ''}${id}`);
const vocabulary = { tokens, clsId: 0, sepId: 1, maskId: 3 };
const continues = createPieceContinuations(tokens);
const settings = { ...defaultSettings, maxPredictions: 4096, masking: 'span' } as const;

/** [CLS] 300 words of two or one tokens [SEP] 300 of them [SEP] */
const half = Array.from({ length: 600 }, (_, index) => 600 + index + (index % 3 === 0 ? 3 : 0));
const original = Uint16Array.from([0, ...half, 1, ...half, 1]);

interface Masked {
  readonly ids: Uint16Array;
  readonly positions: readonly number[];
}

function masked(maskedLmRatio: number, seed: number): Masked {
  const ids = original.slice();
  const random = CounterRandom.of(seed);
  const ofRatio = { ...settings, maskedLmRatio };
  return { ids, positions: maskTokens(ids, ofRatio, vocabulary, continues, random) };
}

/** Positions next to each other. */
function runsOf(positions: readonly number[]): number[][] {
  const runs: number[][] = [];
  for (const position of positions) {
    const last = runs.at(-1);
    if (last?.at(-1) === position - 1) last.push(position);
    else runs.push([position]);
  }
  return runs;
}

describe('spans', () => {
  it('have lengths from the geometric distribution, cut at ten words', () => {
    const random = CounterRandom.of(7);
    const numDrawn = 100_000;
    const counts = Array<number>(12).fill(0);
    for (let i = 0; i < numDrawn; i++) counts[numWordsOfSpan(random)]! += 1;
    const weights = Array.from({ length: 10 }, (_, index) => 0.8 ** index);
    const sum = weights.reduce((a, b) => a + b);
    let chiSquare = 0;
    for (const [index, weight] of weights.entries()) {
      const expected = (numDrawn * weight) / sum;
      chiSquare += (counts[index + 1]! - expected) ** 2 / expected;
    }
    expect([counts[0], counts[11]]).toEqual([0, 0]);
    // 9 degrees of freedom, p = 0.001.
    expect(chiSquare).toBeLessThan(27.9);
    const mean = counts.reduce((a, count, numWords) => a + count * numWords, 0) / numDrawn;
    expect(mean).toBeCloseTo(3.8, 1);
  });

  it('are whole words, never special tokens, and no more than a share of the tokens', () => {
    for (let seed = 0; seed < 50; seed++) {
      const { positions } = masked(0.5, seed);
      const isMasked = new Set(positions);
      expect(isMasked.size).toBe(positions.length);
      const limit = numPredictionsFor(original.length, { ...settings, maskedLmRatio: 0.5 });
      expect(positions.length).toBeLessThanOrEqual(limit);
      expect(positions.length).toBeGreaterThan(limit - 3);
      for (const special of [0, 601, 1202]) expect(isMasked.has(special)).toBe(false);
      const isPiece = (position: number): boolean => tokens[original[position]!]!.startsWith('##');
      const alone = positions.filter((at) => isPiece(at) && !isMasked.has(at - 1));
      expect(alone).toEqual([]);
    }
  });

  it('become masks, stay or are replaced as one: 80, 10 and 10 %', () => {
    const kinds = { mask: 0, kept: 0, replaced: 0, mixed: 0 };
    let numWords = 0;
    for (let seed = 0; seed < 4000; seed++) {
      // Few, so that two of them hardly ever touch.
      const { ids, positions } = masked(0.02, seed);
      for (const run of runsOf(positions)) {
        numWords += run.filter((at) => !tokens[original[at]!]!.startsWith('##')).length;
        if (run.every((at) => ids[at] === 3)) kinds.mask += 1;
        else if (run.every((at) => ids[at] === original[at])) kinds.kept += 1;
        else if (run.every((at) => ids[at] !== 3)) kinds.replaced += 1;
        else kinds.mixed += 1;
      }
    }
    const numRuns = kinds.mask + kinds.kept + kinds.replaced + kinds.mixed;
    expect(numRuns).toBeGreaterThan(10_000);
    expect(kinds.mixed / numRuns).toBeLessThan(0.02);
    const shares = [kinds.mask, kinds.kept, kinds.replaced].map((count) => count / numRuns);
    for (const [index, share] of [0.8, 0.1, 0.1].entries())
      expect(Math.abs(shares[index]! - share)).toBeLessThan(0.02);
    // The last one of a sequence is cut by its share of masks.
    expect(numWords / numRuns).toBeGreaterThan(3);
    expect(numWords / numRuns).toBeLessThan(4);
  });
});
