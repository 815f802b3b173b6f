import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../testing/example-fixture.ts';
import { specialTokens } from '../text/vocabulary.ts';
import { readVocabularyFile } from './read-vocabulary-file.ts';

const folder = temporaryFolder();
afterAll(() => rmSync(folder, { recursive: true }));

const tokens = [...specialTokens, 'a', '##c', 'light', ','];
const text = tokens.map((token) => `${token}\n`).join('');
const model = {
  type: 'WordPiece',
  unk_token: '[UNK]',
  continuing_subword_prefix: '##',
  max_input_chars_per_word: 100,
  vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
};
const json = {
  added_tokens: [{ id: 4, content: '[MASK]', special: true }],
  normalizer: { type: 'BertNormalizer', clean_text: true, strip_accents: null, lowercase: true },
  pre_tokenizer: { type: 'BertPreTokenizer' },
  model,
};

function write(name: string, content: unknown): string {
  const path = join(folder, name);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

describe('a vocabulary that is given', () => {
  it('is the same as vocab.txt, as tokenizer.json and as a folder with either', async () => {
    mkdirSync(join(folder, 'model'));
    mkdirSync(join(folder, 'old-model'));
    const places = [
      write('vocab.txt', text),
      write('tokenizer.json', json),
      (write('model/tokenizer.json', json), join(folder, 'model')),
      (write('old-model/vocab.txt', text), join(folder, 'old-model')),
    ];
    for (const place of places)
      expect(Buffer.from(await readVocabularyFile(place, true)).toString()).toBe(text);
  });

  it.each([
    ['another case', json, /lower-cases, but vocabulary.doLowerCase is false/],
    [
      'words cut off',
      { ...json, model: { ...model, max_input_chars_per_word: 20 } },
      /model: max_input_chars_per_word is 20/,
    ],
    ['other unknown', { ...json, model: { ...model, unk_token: '<unk>' } }, /unk_token is <unk>/],
    [
      'other pieces',
      { ...json, model: { ...model, continuing_subword_prefix: '@@' } },
      /continuing_subword_prefix is @@/,
    ],
    [
      'added tokens',
      {
        ...json,
        normalizer: { ...json.normalizer, lowercase: false },
        added_tokens: [{ id: 9, content: '<url>' }],
      },
      /added_tokens has "<url>"/,
    ],
    [
      'a token of two lines',
      {
        ...json,
        normalizer: { ...json.normalizer, lowercase: false },
        model: { ...model, vocab: { ...model.vocab, 'a\nb': 9 } },
      },
      /vocab has "a\\nb"/,
    ],
    ['no vocabulary', 'neither', /is not JSON/],
  ])('is refused with %s', async (_, content, message) => {
    await expect(readVocabularyFile(write('other.json', content), false)).rejects.toThrow(message);
  });

  it('must be there', async () => {
    await expect(readVocabularyFile(join(folder, 'none.txt'), true)).rejects.toMatchObject({
      code: 'DATA_VOCABULARY_INVALID',
    });
    await expect(readVocabularyFile(join(folder, 'none.json'), true)).rejects.toThrow(
      /cannot be read/,
    );
  });
});
