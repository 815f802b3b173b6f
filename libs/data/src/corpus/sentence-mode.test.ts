import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { detectSentenceMode } from './sentence-mode.ts';

const excerpt = readFileSync(new URL('../../test/golden/excerpt.txt', import.meta.url), 'utf8');

/** Breaks text at spaces, at the latest after 72 characters. */
const wrap = (text: string): string[] => text.match(/\S.{0,71}(?=\s|$)/g) ?? [];

describe('sentence mode of a text', () => {
  it('is lines for one sentence a line', () => {
    expect(detectSentenceMode(excerpt.split('\n'))).toBe('lines');
  });

  it('is prose for one paragraph a line', () => {
    const paragraphs = excerpt.split('\n\n').map((document) => document.replaceAll('\n', ' '));
    expect(detectSentenceMode(paragraphs)).toBe('prose');
  });

  it('is prose for lines of equal width', () => {
    expect(detectSentenceMode(wrap(excerpt.replaceAll('\n', ' ')))).toBe('prose');
  });

  it('is lines when some lack their punctuation', () => {
    expect(detectSentenceMode(['A heading', 'One.', '', '  Two!  ', 'Three?'])).toBe('lines');
  });
});
