import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { splitSentences } from './split-sentences.ts';

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
