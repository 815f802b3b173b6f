import { describe, expect, it } from 'vitest';
import { filled, hiddenWord, questionOf, sentenceOf, toggled } from './sentence.ts';

describe('a sentence to try a model on', () => {
  it('hides a word and leaves what stands around it', () => {
    const sentence = sentenceOf('  “Peace,” he said,\nis near. ');
    expect(sentence.words).toEqual(['“Peace,”', 'he', 'said,', 'is', 'near.']);
    const asked = toggled(toggled(sentence, 0), 4);
    expect(questionOf(asked)).toBe('“[MASK],” he said, is [MASK].');
    expect(hiddenWord('“Peace,”')).toBe('Peace');
    expect(filled('“Peace,”', 'War')).toBe('“War,”');
    expect(questionOf(toggled(asked, 0))).toBe('“Peace,” he said, is [MASK].');
  });

  it('takes a written [MASK] for a hidden word', () => {
    const sentence = sentenceOf('the [MASK], and [MASK]!');
    expect([...sentence.hidden]).toEqual([1, 3]);
    expect(questionOf(sentence)).toBe('the [MASK], and [MASK]!');
    expect(hiddenWord('[MASK],')).toBeUndefined();
  });

  it('hides what is no word too', () => {
    expect(questionOf(toggled(sentenceOf('war & peace'), 1))).toBe('war [MASK] peace');
    expect(hiddenWord('&')).toBe('&');
  });
});
