import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createWindowedSegmenter, type SegmentPart } from './segment-windows.ts';
import { splitSentences } from './split-sentences.ts';

const excerpt = readFileSync(new URL('../../test/golden/excerpt.txt', import.meta.url), 'utf8');
const segmenter = new Intl.Segmenter('en', { granularity: 'sentence' });
const ofWhole = (text: string): string[] =>
  Array.from(segmenter.segment(text), ({ segment }) => segment);
const inWindows = (text: string, sizes: readonly number[] = [text.length]): string[] => {
  const segmenter = createWindowedSegmenter();
  const parts: SegmentPart[] = [];
  for (let at = 0, i = 0; at < text.length; i++) {
    const end = at + Math.max(1, sizes[i % sizes.length] ?? 1);
    parts.push(...segmenter.add(text.slice(at, end)));
    at = end;
  }
  const segments: string[] = [];
  for (const part of [...parts, ...segmenter.end()])
    if (part.isBeginning) segments.push(part.text);
    else segments[segments.length - 1] += part.text;
  return segments;
};

describe('sentence splitter', () => {
  it.each<[string, string[]]>([
    ['One. Two! Three?', ['One.', 'Two!', 'Three?']],
    ['  Spaces around.   And between.  ', ['Spaces around.', 'And between.']],
    ['“Is it?” she asked. “Yes.” It was.', ['“Is it?” she asked.', '“Yes.”', 'It was.']],
    ['Mr. Smith met Mrs. Jones. Dr. No came.', ['Mr. Smith met Mrs. Jones.', 'Dr. No came.']],
    ['Gen. Grant and Messrs. Hay saw it.', ['Gen. Grant and Messrs. Hay saw it.']],
    ['George W. Bush spoke. He left.', ['George W. Bush spoke.', 'He left.']],
    ['J. A. Smith and J. R. R. Tolkien.', ['J. A. Smith and J. R. R. Tolkien.']],
    ['The U.S. Government paid.', ['The U.S. Government paid.']],
    ['He lives in the U.S. The house is new.', ['He lives in the U.S.', 'The house is new.']],
    ['At 5 p.m. Congress met. It was late.', ['At 5 p.m. Congress met.', 'It was late.']],
    ['It ended at 5 p.m. We left.', ['It ended at 5 p.m.', 'We left.']],
    ['See No. 5. Also Art. IV and p. 7.', ['See No. 5.', 'Also Art. IV and p. 7.']],
    ['He said no. In 1990 he left.', ['He said no.', 'In 1990 he left.']],
    ['On Jan. 5 it froze.', ['On Jan. 5 it froze.']],
    ['Clinton vs. Englebrecht, i.e. Case 3.', ['Clinton vs. Englebrecht, i.e. Case 3.']],
    ['Acme Inc. Shares fell. So did I. Mary wept.', ['Acme Inc. Shares fell.', 'So did I.', 'Mary wept.']],
    ['St. Louis is in Missouri.', ['St. Louis is in Missouri.']],
    ['It costs $3.50 today. Pi is 3.14.', ['It costs $3.50 today.', 'Pi is 3.14.']],
    ['No full stop', ['No full stop']],
    [' \n ', []],
    ['', []],
  ])('splits %j', (text, sentences) => {
    expect(splitSentences(text)).toEqual(sentences);
  });

  it('loses nothing but the spaces between sentences', () => {
    const word = fc.constantFrom('Mr.', 'U.S.', 'The', 'end.', 'no.', '5', 'J.', 'Why?', '“So.”', 'e.g.', '日。');
    fc.assert(
      fc.property(fc.array(word), (words) => {
        expect(splitSentences(words.join(' ')).join(' ')).toBe(words.join(' '));
      }),
    );
  });
});

describe('segments found in windows', () => {
  it.each([
    ['prose', excerpt.replaceAll('\n', ' ')],
    ['lines', excerpt],
    ['a sentence longer than many windows', `One. ${'word '.repeat(20_000)}end. Two.`],
    ['figures between a full stop and a small letter, over the end of a window', `${'A. '.repeat(1300)}${'1 '.repeat(900)}b. C.`],
    ['one letter of two code units at the end of a window', `A. ${'😀'.repeat(5000)}. B`],
    ['marks that go on after the end of a window', `A.${'\u0301'.repeat(5000)} B. C`],
    ['other scripts', '日本語の文。次の文！ ไทย ภาษา។ ខ្មែរ។ नमस्ते। दूसरा वाक्य। '.repeat(300)],
    ['nothing', ''],
  ])('are those of the whole text: %s', (_case, text) => {
    expect(inWindows(text)).toEqual(ofWhole(text));
  });

  it('are those of the whole text, whatever it is', () => {
    const parts = ['a', 'B', '7', '.', '! ', ' ', '\n', '\r\n', '"', ')', '日', '。', '…', ', ', '\u0301', 'U.S. ', '\u2029'];
    const run = fc.tuple(fc.constantFrom(...parts), fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 3000 })));
    const sizes = fc.array(fc.integer({ min: 1, max: 9000 }), { minLength: 1 });
    fc.assert(
      fc.property(fc.array(run, { minLength: 5, maxLength: 40 }), sizes, (runs, pieces) => {
        const text = runs.map(([part, times]) => part.repeat(times)).join('');
        expect(inWindows(text, pieces)).toEqual(ofWhole(text));
      }),
      { numRuns: 15 },
    );
  });

  it('take time in proportion to the text', () => {
    const sentence = 'The Congress of the United States met again. ';
    const secondsFor = (numSentences: number): number => {
      const text = sentence.repeat(numSentences);
      const before = process.cpuUsage();
      expect(splitSentences(text)).toHaveLength(numSentences);
      const { user, system } = process.cpuUsage(before);
      return (user + system) / 1e6;
    };
    secondsFor(1000);
    // 45 kB and 2.9 MB; in proportion to the square it would be 4,096 times as long.
    expect(secondsFor(64_000)).toBeLessThan(640 * Math.max(secondsFor(1000), 0.001));
  });
});
