import { describe, expect, it } from 'vitest';
import { createTokenizer } from '../../text/tokenizer.ts';
import { createVocabulary, specialTokens } from '../../text/vocabulary.ts';
import { packDocuments } from '../../dataset/document-shard.ts';
import type { Example } from './example.ts';
import { generateExamples } from './generate.ts';
import { generateGoogleExamples } from './google-examples.ts';
import { defaultSettings } from '../../testing/example-fixture.ts';
import { ownTextRules } from '../../text/text-rules.ts';
import {
  createPieceContinuations,
  createWordContinuations,
  type WordContinuations,
} from './word-continuations.ts';

/** Tokens of one word are joined by "+". */
function words(
  line: string,
  create: (tokens: string[]) => WordContinuations = (tokens) => createWordContinuations(tokens),
): string {
  const tokens = line.split(' ');
  const continues = create(tokens)(Uint16Array.from(tokens, (_, id) => id));
  return tokens
    .map((token, i) => (continues[i] === 1 ? `+${token}` : ` ${token}`))
    .join('')
    .trim();
}

describe('words of a sequence', () => {
  it.each([
    ['[CLS] walk ##ing [SEP] dog ##s', '[CLS] walk+##ing [SEP] dog+##s'],
    ['我 们 喜 欢 北 京 。 中 国', '我+们 喜+欢 北+京 。 中+国'],
    ['中 [SEP] 国 [UNK] 北 京', '中 [SEP] 国 [UNK] 北+京'],
    ['食 べ ##る 東 京', '食+べ+##る 東+京'],
    ['ภาษา ##ไทย ##ง่า ##ย และ', 'ภาษา ##ไทย ##ง่า+##ย และ'],
    ['ខ្ញុំ ##ស្រឡាញ់ ##ភាសា', 'ខ្ញុំ ##ស្រឡាញ់ ##ភាសា'],
    ['서울 ##에서', '서울+##에서'],
  ])('%s', (line, expected) => {
    expect(words(line)).toBe(expected);
  });

  it('are those of the release where it is to be reproduced', () => {
    expect(words('walk ##ing 北 京', createPieceContinuations)).toBe('walk+##ing 北 京');
  });
});

describe('words by the rules of another engine', () => {
  const other = { ...ownTextRules(), icu: '0.1' };

  it('are refused by name where the engine tells words apart', () => {
    expect(() => createWordContinuations(['北', '##s'], other)).toThrow(
      expect.objectContaining({
        code: 'DATA_TEXT_RULES',
        message: expect.stringMatching(/Node \d+.*ICU \d+.*ICU 0\.1/),
      }),
    );
  });

  it('are not where pieces do, nor by the same rules', () => {
    expect(createWordContinuations(['a', '##s'], other)).toBeTypeOf('function');
    expect(createWordContinuations(['北'], ownTextRules())).toBeTypeOf('function');
  });
});

describe('whole word masking of Chinese', () => {
  const sentence = '我们喜欢北京的天气。他们学习中国历史。';
  const vocabulary = createVocabulary([...specialTokens, ...new Set(sentence)]);
  const tokenizer = createTokenizer(vocabulary, { doLowerCase: true });
  const document = Array.from({ length: 30 }, () => tokenizer.tokenize(sentence));
  const make = (masking: 'token' | 'word'): Example[] => [
    ...generateExamples({
      documents: packDocuments([document, document]),
      vocabulary,
      settings: { ...defaultSettings, maxSeqLength: 48, maxPredictions: 8, masking },
      split: 'train',
      seed: 1,
      epoch: 0,
      shard: 0,
    }),
  ];

  it('masks the characters of a word together, and only then', () => {
    const [bei, jing] = tokenizer.tokenize('北京') as [number, number];
    const numSplit = (examples: readonly Example[]): number => {
      let count = 0;
      for (const { ids, maskedPositions, maskedLabels } of examples) {
        const masked = Array.from(maskedPositions);
        for (const [index, position] of masked.entries())
          if (maskedLabels[index] === bei && masked[index + 1] !== position + 1)
            count += ids[position + 1] === jing ? 1 : 0;
      }
      return count;
    };
    expect(numSplit(make('token'))).toBeGreaterThan(5);
    expect(numSplit(make('word'))).toBe(0);
  });

  it('changes nothing in the mode that repeats the release', () => {
    const [whole, single] = (['word', 'token'] as const).map((masking) =>
      generateGoogleExamples([document, document], {
        vocabulary,
        settings: { ...defaultSettings, masking },
        dupeFactor: 1,
        seed: 3,
      }),
    );
    expect(whole).toEqual(single);
  });
});
