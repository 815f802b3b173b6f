import { readFileSync } from 'node:fs';
import { parseVocabulary, specialTokens } from '@berth/data';
import { describe, expect, it } from 'vitest';
import { bothTokenizers, corpusSentences, withCharacters } from '../testing/exported-tokenizer.ts';

const { tokens } = parseVocabulary(
  readFileSync(new URL('../../../data/test/golden/vocab-8192.txt', import.meta.url)),
  'golden',
);
const timeoutMs = 900_000;
const sizeOfBlock = 4096;

describe.each([true, false])('an exported tokenizer with lower-casing %s', (doLowerCase) => {
  it(
    'gives the ids that berth gives on all of the shipped corpus',
    () => {
      const sentences = corpusSentences();
      expect(sentences.length).toBeGreaterThan(60_000);
      const vocabulary = withCharacters(tokens, sentences.join('\n'));
      expect(bothTokenizers(vocabulary, doLowerCase).differences(sentences)).toEqual([]);
    },
    timeoutMs,
  );

  it(
    'means otherwise by private characters, which vanish, and by ideographs beyond U+FFFF, of all characters',
    () => {
      const kinds = { private: 0, ideograph: 0, other: 0 };
      for (let start = 0; start < 0x3_0000; start += sizeOfBlock) {
        const characters = Array.from({ length: sizeOfBlock }, (_, i) => start + i)
          .filter((codePoint) => codePoint < 0xd800 || codePoint > 0xdfff)
          .map((codePoint) => String.fromCodePoint(codePoint));
        if (characters.length === 0) continue;
        const vocabulary = withCharacters(specialTokens, `abx${characters.join('')}`);
        const lines = characters.map((c) => `a${c}b ${c} ${c}${c}x`);
        for (const line of bothTokenizers(vocabulary, doLowerCase).differences(lines)) {
          const character = line.slice(1).match(/^./u)![0];
          kinds[kindOf(character)] += 1;
        }
      }
      expect(kinds).toEqual({ private: 6400, ideograph: 53_424, other: 0 });
    },
    timeoutMs,
  );
});

function kindOf(character: string): 'private' | 'ideograph' | 'other' {
  if (/\p{Co}/u.test(character)) return 'private';
  return /[\u{20000}-\u{2a6df}\u{2a700}-\u{2ceaf}\u{2f800}-\u{2fa1f}]/u.test(character)
    ? 'ideograph'
    : 'other';
}
