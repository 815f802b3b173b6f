import { describe, expect, it } from 'vitest';
import { createWordCounter } from './word-counter.ts';

describe('word counter', () => {
  it('counts basic-tokenised words', () => {
    const counter = createWordCounter({ doLowerCase: true });
    counter.add('The end. (the END)');
    counter.add('end');
    expect(Object.fromEntries(counter.counts())).toEqual({
      the: 2,
      end: 3,
      '.': 1,
      '(': 1,
      ')': 1,
    });
  });

  it('goes on counting after the counts were looked at', () => {
    const counter = createWordCounter({ doLowerCase: false });
    counter.add('a A');
    counter.counts();
    counter.add('a');
    expect(Object.fromEntries(counter.counts())).toEqual({ a: 2, A: 1 });
  });

  it('leaves out words that can only be unknown, and lone surrogates', () => {
    const counter = createWordCounter({ doLowerCase: true });
    counter.add(`ok ${'x'.repeat(201)} a\ud800`);
    expect([...counter.counts().keys()]).toEqual(['ok']);
  });

  it('forgets the rarest words when there are too many', () => {
    const counter = createWordCounter({ doLowerCase: true, maxDistinctWords: 4 });
    counter.add('a a a b b c d e');
    expect(Object.fromEntries(counter.counts())).toEqual({ a: 3, b: 2 });
  });
});
