import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../testing/example-fixture.ts';
import { specialTokens } from '../text/vocabulary.ts';
import type { FolderTokenizer } from './folder-tokenizer.ts';
import { readTokenizer } from './read-tokenizer.ts';

const microTokens = [...specialTokens, 'a', 'b', '##c', 'nation', '##s', ',', '.'];
const vocab = { 'vocab.txt': microTokens.join('\n') };

const json = {
  added_tokens: [{ id: 0, content: '[PAD]', special: true }],
  normalizer: {
    type: 'BertNormalizer',
    clean_text: true,
    handle_chinese_chars: true,
    strip_accents: null,
    lowercase: false,
  },
  pre_tokenizer: { type: 'BertPreTokenizer' },
  model: {
    type: 'WordPiece',
    unk_token: '[UNK]',
    continuing_subword_prefix: '##',
    vocab: Object.fromEntries(microTokens.map((token, id) => [token, id])),
  },
};

const folders: string[] = [];
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true })));

async function read(files: Readonly<Record<string, unknown>>): Promise<FolderTokenizer> {
  const path = temporaryFolder();
  folders.push(path);
  for (const [name, content] of Object.entries(files))
    writeFileSync(
      join(path, name),
      typeof content === 'string' ? content : JSON.stringify(content),
    );
  return readTokenizer(path);
}

describe('the tokenizer of a folder', () => {
  it.each([
    [{ do_lower_case: false }, false],
    [{ do_lower_case: true, strip_accents: null }, true],
  ])('is vocab.txt and %j', async (config, doLowerCase) => {
    const tokenizer = await read({ ...vocab, 'tokenizer_config.json': config });
    expect(tokenizer).toMatchObject({ doLowerCase, notes: [] });
    expect(tokenizer.vocabulary.tokens).toEqual(microTokens);
  });

  it('lower-cases where nothing is said, and says so', async () => {
    const { doLowerCase, notes } = await read(vocab);
    expect(doLowerCase).toBe(true);
    expect(notes.join()).toContain('no file says do_lower_case');
  });

  it('is refused where vocab.txt contradicts tokenizer.json, and taken where that only lacks what was added', async () => {
    const swapped = [...microTokens.slice(0, -2), '.', ','];
    await expect(
      read({ 'tokenizer.json': json, 'vocab.txt': swapped.join('\n') }),
    ).rejects.toMatchObject({
      code: 'DATA_VOCABULARY_INVALID',
      message: expect.stringMatching(/id 10 is "\." in the one and "," in the other/) as unknown,
    });
    const added = [...json.added_tokens, { id: microTokens.length, content: 'ICD-10' }];
    const both = { 'tokenizer.json': { ...json, added_tokens: added }, ...vocab };
    expect((await read(both)).vocabulary.tokens).toEqual([...microTokens, 'ICD-10']);
  });

  it('is tokenizer.json where there is one, with the tokens that were added to it', async () => {
    const added = [...json.added_tokens, { id: microTokens.length, content: 'ICD-10' }];
    const tokenizer = await read({ 'tokenizer.json': { ...json, added_tokens: added } });
    expect(tokenizer.doLowerCase).toBe(false);
    expect(tokenizer.vocabulary.tokens).toEqual([...microTokens, 'ICD-10']);
    expect(tokenizer.notes.join()).toContain('1 added tokens (ICD-10)');
  });

  it.each<[string, RegExp, Record<string, unknown>]>([
    [
      'of byte pairs',
      /type is BPE/,
      { 'tokenizer.json': { ...json, model: { ...json.model, type: 'BPE' } } },
    ],
    [
      'that splits otherwise',
      /pre_tokenizer: type is Whitespace/,
      { 'tokenizer.json': { ...json, pre_tokenizer: { type: 'Whitespace' } } },
    ],
    [
      'that keeps accents',
      /strip_accents is false with lower-casing true/,
      {
        'tokenizer.json': {
          ...json,
          normalizer: { ...json.normalizer, lowercase: true, strip_accents: false },
        },
      },
    ],
    [
      'that leaves ideographs together',
      /tokenize_chinese_chars is false/,
      { ...vocab, 'tokenizer_config.json': { do_lower_case: true, tokenize_chinese_chars: false } },
    ],
    [
      'that contradicts itself',
      /do_lower_case is true, but tokenizer.json says false/,
      { 'tokenizer.json': json, 'tokenizer_config.json': { do_lower_case: true } },
    ],
    [
      'with holes in its ids',
      /"\." has the id 99/,
      {
        'tokenizer.json': {
          ...json,
          model: { ...json.model, vocab: { ...json.model.vocab, '.': 99 } },
        },
      },
    ],
  ])('is refused when it is one %s', async (_, message, files) => {
    await expect(read(files)).rejects.toThrow(
      expect.objectContaining({
        code: 'DATA_VOCABULARY_INVALID',
        message: expect.stringMatching(message) as unknown,
      }) as Error,
    );
  });
});
