import { describe, expect, it } from 'vitest';
import { markAnswer, markWords } from './marked-text.ts';

describe('an answer in its context', () => {
  it('is marked, and what was predicted beside it', () => {
    const parts = markAnswer('signed in May, sent in June', { truth: 'in May', predicted: 'June' });
    expect(parts.map(({ text, isTruth, isPredicted }) => [text, isTruth, isPredicted])).toEqual([
      ['signed ', false, false],
      ['in May', true, false],
      [', sent in ', false, false],
      ['June', false, true],
    ]);
  });

  it('may overlap with what was predicted', () => {
    const parts = markAnswer('on May 2d, 1848', { truth: 'May 2d', predicted: '2d, 1848' });
    expect(parts.filter(({ isTruth }) => isTruth).map(({ text }) => text)).toEqual(['May ', '2d']);
    expect(parts.filter((one) => one.isTruth && one.isPredicted)).toHaveLength(1);
  });

  it('is the one in the middle of a context that was cut around it', () => {
    const context = `…May ${'x'.repeat(40)} May ${'x'.repeat(40)} May`;
    const [before] = markAnswer(context, { truth: 'May', predicted: null });
    expect(before?.text).toHaveLength(46);
  });

  it('is nowhere where there is none', () => {
    const parts = markAnswer('signed in May', { truth: null, predicted: 'July' });
    expect(parts).toEqual([{ text: 'signed in May', isTruth: false, isPredicted: false }]);
  });
});

describe('words of a sentence', () => {
  const wrong = { predicted: 'O', truth: 'B-PER' };

  it('are marked where they stand, not where the same word stands first', () => {
    const words = markWords('the end of the war', [{ word: 'the', at: 3, ...wrong }]);
    expect(words.map(({ outcome }) => outcome !== undefined)).toEqual([
      false,
      false,
      false,
      true,
      false,
    ]);
  });

  it('are looked for one after the other where a word has a space', () => {
    const words = markWords('New York and York', [
      { word: 'York', at: 0, ...wrong },
      { word: 'York', at: 2, ...wrong },
    ]);
    expect(words.flatMap(({ outcome }, i) => (outcome === undefined ? [] : i))).toEqual([1, 3]);
  });
});
