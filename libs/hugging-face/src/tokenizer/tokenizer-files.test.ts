import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { createTokenizer, createVocabulary, parseVocabulary, type Vocabulary } from '@berth/data';
import { Tokenizer } from '@huggingface/tokenizers';
import { describe, expect, it } from 'vitest';
import { tokenizerFiles } from './tokenizer-files.ts';

const root = new URL('../../../../', import.meta.url);
/** Lists by who agrees with berth (test/golden/README.md). */
const hardLines = JSON.parse(
  readFileSync(new URL('../../test/golden/hard-lines.json', import.meta.url), 'utf8'),
) as Record<'equal' | 'limits' | 'astral' | 'sigma' | 'special', string[]>;

/** With a piece for each character of the hard lines, so that few words are [UNK], which would hide differences. */
const vocabulary = withCharacters(
  parseVocabulary(readFileSync(new URL('libs/data/test/golden/vocab-8192.txt', root)), 'golden'),
  Object.values(hardLines).flat().join(''),
);

function withCharacters({ tokens }: Vocabulary, text: string): Vocabulary {
  const forms = [text, text.toLowerCase()].flatMap((form) => [form, form.normalize('NFD')]);
  const characters = [...new Set(forms.join(''))].filter((character) => character.trim() !== '');
  const pieces = characters.flatMap((character) => [character, `##${character}`]);
  return createVocabulary([...new Set([...tokens, ...pieces])]);
}

/** Sentences of the shipped corpus. */
const corpusLines = gunzipSync(readFileSync(new URL('corpus/sotu.jsonl.gz', root)))
  .toString()
  .split('\n')
  .filter((line) => line !== '')
  .flatMap((line) => (JSON.parse(line) as { text: string }).text.split(/(?<=[.?!]) +|\n+/))
  .slice(0, 10_000);

describe.each([true, false])('an exported tokenizer with lower-casing %s', (doLowerCase) => {
  const files = tokenizerFiles({ vocabulary, doLowerCase, maxPositions: 512 });
  const json = (name: string): object => JSON.parse(Buffer.from(files[name]!).toString()) as object;
  const theirs = new Tokenizer(json('tokenizer.json'), json('tokenizer_config.json'));
  const ours = createTokenizer(vocabulary, { doLowerCase });
  const differences = (lines: readonly string[]): string[] =>
    lines.filter(
      (line) =>
        theirs.encode(line, { add_special_tokens: false }).ids.join() !==
        ours.tokenize(line).join(),
    );

  it('gives the ids that berth gives, on the shipped corpus', () => {
    expect(corpusLines).toHaveLength(10_000);
    expect(differences(corpusLines)).toEqual([]);
  });

  it('and on lines that are hard, but where they mean otherwise', () => {
    const { equal, limits, astral, sigma, special } = hardLines;
    expect(differences([...equal, ...limits, ...sigma])).toEqual([]);
    expect(differences([...astral, ...special])).toEqual([...astral, ...special]);
  });

  it('puts special tokens around one text and between two', () => {
    const { clsId, sepId } = vocabulary;
    const [a, b] = [ours.tokenize('of the'), ours.tokenize('and')];
    const { ids, token_type_ids: types } = theirs.encode('of the', {
      text_pair: 'and',
      return_token_type_ids: true,
    });
    expect(ids).toEqual([clsId, ...a, sepId, ...b, sepId]);
    expect(types).toEqual([0, ...a.map(() => 0), 0, ...b.map(() => 1), 1]);
  });
});
