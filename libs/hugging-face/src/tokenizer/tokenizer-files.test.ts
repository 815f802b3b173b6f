import { readFileSync } from 'node:fs';
import { parseVocabulary } from '@berth/data';
import { describe, expect, it } from 'vitest';
import { bothTokenizers, corpusSentences, withCharacters } from '../testing/exported-tokenizer.ts';

const root = new URL('../../../../', import.meta.url);
/** Lists by who agrees with berth (test/golden/README.md). */
const hardLines = JSON.parse(
  readFileSync(new URL('../../test/golden/hard-lines.json', import.meta.url), 'utf8'),
) as Record<'equal' | 'limits' | 'astral' | 'sigma' | 'special', string[]>;

const vocabulary = withCharacters(
  parseVocabulary(readFileSync(new URL('libs/data/test/golden/vocab-8192.txt', root)), 'golden')
    .tokens,
  Object.values(hardLines).flat().join(''),
);
const corpusLines = corpusSentences().slice(0, 2_000);

describe.each([true, false])('an exported tokenizer with lower-casing %s', (doLowerCase) => {
  const { ours, theirs, differences } = bothTokenizers(vocabulary, doLowerCase);

  it('gives the ids that berth gives, on the shipped corpus', () => {
    expect(corpusLines).toHaveLength(2_000);
    expect(differences(corpusLines)).toEqual([]);
  });

  it('and on lines that are hard, but where they mean otherwise', () => {
    const { equal, limits, astral, sigma, special } = hardLines;
    expect(differences([...equal, ...limits, ...sigma])).toEqual([]);
    expect(differences([...astral, ...special])).toEqual([...astral, ...special]);
  });

  it('puts special tokens around one text and between two', () => {
    const { clsId, sepId } = vocabulary;
    const [a, b] = [ours('of the'), ours('and')];
    const { ids, token_type_ids: types } = theirs.encode('of the', {
      text_pair: 'and',
      return_token_type_ids: true,
    });
    expect(ids).toEqual([clsId, ...a, sepId, ...b, sepId]);
    expect(types).toEqual([0, ...a.map(() => 0), 0, ...b.map(() => 1), 1]);
  });
});
