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

describe('sentence mode of a text without punctuation', () => {
  const inDocuments = (lines: readonly string[], size: number): string[] =>
    lines.flatMap((line, index) => (index % size === size - 1 ? [line, ''] : [line]));
  const repeat = (lines: readonly string[], times: number): string[] =>
    Array.from({ length: times }, () => lines).flat();

  it.each<[string, readonly string[]]>([
    ['English', ['the dog sleeps', 'a cat runs over the road', 'nobody saw it', 'rain fell all day on the hills']],
    ['German nouns', ['Haus', 'Donaudampfschifffahrt', 'Baum', 'Straßenbahnhaltestelle', 'Ei']],
    ['Khmer', ['ខ្ញុំ ស្រឡាញ់ ភាសា ខ្មែរ', 'គាត់ ទៅ ផ្សារ', 'ថ្ងៃ នេះ មេឃ ភ្លៀង', 'យើង ទៅ សាលា']],
    ['Thai', ['ฉันรักภาษาไทย', 'วันนี้ฝนตก', 'เขาไปตลาด', 'เราไปโรงเรียนด้วยกันทุกวัน']],
    ['Chinese', ['今天下雨了', '他去市场买东西', '我们一起去学校', '我喜欢中文']],
    ['Arabic', ['ذهب الولد إلى المدرسة', 'هطل المطر اليوم', 'أحب القراءة', 'البيت كبير']],
    ['a numbered list', ['1. Haus', '2. Baum', '3. Straße', '4. Ei']],
    ['mixed with a little punctuation', [...repeat(['so it goes', 'nothing else'], 12), 'is it so?']],
  ])('is lines: %s', (_case, lines) => {
    expect(detectSentenceMode(inDocuments(repeat(lines, 10), 8))).toBe('lines');
  });

  it('is lines in one document, and where lines are long', () => {
    const lines = repeat(['word after word without an end', 'w '.repeat(900)], 5);
    expect(detectSentenceMode(lines)).toBe('lines');
  });

  it.each<[string, readonly string[]]>([
    ['one sentence over lines', ['The quick brown fox', 'jumps over the', 'lazy dog.']],
    ['a heading and wrapped prose', ['THE STATE', '', ...wrap(excerpt.replaceAll('\n', ' '))]],
    ['Hindi prose', repeat(['यह पहला वाक्य है और यह आगे', 'चलता है। यह दूसरा वाक्य', 'है जो यहाँ समाप्त होता है।'], 6)],
    ['Khmer prose', repeat(['ខ្ញុំ ស្រឡាញ់ ភាសា', 'ខ្មែរ។ គាត់ ទៅ ផ្សារ', 'ថ្ងៃ នេះ។ មេឃ'], 6)],
    ['Japanese prose', repeat(['今日は雨が降って', 'いる。明日は晴れる', 'だろう。それから'], 6)],
    ['verse', repeat(['Tell me not, in mournful numbers,', 'Life is but an empty dream!', 'For the soul is dead that slumbers,', 'And things are not what they seem.'], 6)],
  ])('is prose: %s', (_case, lines) => {
    expect(detectSentenceMode(lines)).toBe('prose');
  });

  it('is not decided by a table of contents alone', () => {
    const contents = Array.from({ length: 1200 }, (_, i) => `Chapter ${i} Of things`);
    const prose = Array.from({ length: 8 }, () => wrap(excerpt.replaceAll('\n', ' '))).flat();
    expect(contents.join('\n').length).toBeGreaterThan(1 << 14);
    expect(detectSentenceMode(contents)).toBe('lines');
    expect(detectSentenceMode([...contents, '', ...prose])).toBe('prose');
  });
});
