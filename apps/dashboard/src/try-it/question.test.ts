import { describe, expect, it } from 'vitest';
import { cutAnswer, inputOf, ranked, taggedWords } from './question.ts';

describe('what a fine-tuned model is asked', () => {
  it('is a text, or a pair once a second one is written', () => {
    expect(inputOf('classify', { first: ' a b ', second: '' })).toEqual({ text: 'a b' });
    expect(inputOf('regress', { first: 'a', second: 'b' })).toEqual({ text: 'a', pair: 'b' });
    expect(inputOf('classify-many', { first: ' ', second: 'b' })).toBeUndefined();
  });

  it('is the words of a sentence', () => {
    expect(inputOf('tag', { first: ' New  York\nfell ', second: 'not shown' })).toEqual({
      words: ['New', 'York', 'fell'],
    });
  });

  it('is a question with its context, and nothing before both are there', () => {
    expect(inputOf('answer', { first: 'who?', second: ' ' })).toBeUndefined();
    expect(inputOf('answer', { first: 'who?', second: 'me' })).toEqual({
      question: 'who?',
      context: 'me',
    });
  });
});

describe('what it says', () => {
  it('is sorted by probability', () => {
    expect(ranked({ no: 0.2, yes: 0.7, maybe: 0.1 }).map(([label]) => label)).toEqual([
      'yes',
      'no',
      'maybe',
    ]);
  });

  it('is cut out of the context by code points', () => {
    expect(cutAnswer('𝒜𝒷 in May, 𝒞', { start: 6, end: 9 })).toEqual({
      before: '𝒜𝒷 in ',
      answer: 'May',
      after: ', 𝒞',
    });
  });

  it('has no tag for what is outside, and knows what was not read', () => {
    const words = ['In', 'Rome', 'now'];
    const said = taggedWords({ words, tags: ['O', 'B-LOC', null], probabilities: [1, 0.9, null] });
    expect(said.map(({ tag, isSeen }) => [tag, isSeen])).toEqual([
      [undefined, true],
      ['B-LOC', true],
      [undefined, false],
    ]);
  });
});
