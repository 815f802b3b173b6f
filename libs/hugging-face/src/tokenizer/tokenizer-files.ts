import {
  continuationPrefix,
  serializeVocabulary,
  specialTokens,
  type Vocabulary,
} from '@berth/data';

/** What a tokenizer's files are made of. */
export interface TokenizerFacts {
  readonly vocabulary: Vocabulary;
  readonly doLowerCase: boolean;
  /** The longest sequence of the model, in tokens. */
  readonly maxPositions: number;
}

const specialNames = {
  pad_token: '[PAD]',
  unk_token: '[UNK]',
  cls_token: '[CLS]',
  sep_token: '[SEP]',
  mask_token: '[MASK]',
};

/** As long as berth's own tokenizer looks at a word, which is what Google's does. */
const maxWordLength = 200;

/** The files of a tokenizer by name, as transformers 4 and 5 and the tokenizers library read them. */
export function tokenizerFiles(facts: TokenizerFacts): Readonly<Record<string, Uint8Array>> {
  return {
    'vocab.txt': serializeVocabulary(facts.vocabulary),
    'tokenizer.json': jsonBytes(tokenizerJson(facts)),
    'tokenizer_config.json': jsonBytes(tokenizerConfig(facts)),
    'special_tokens_map.json': jsonBytes(specialNames),
  };
}

/** A JSON file's bytes. */
export function jsonBytes(value: unknown): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(value, null, 2)}\n`);
}

function tokenizerJson({ vocabulary, doLowerCase }: TokenizerFacts): unknown {
  const { clsId, sepId } = vocabulary;
  const piece = (id: string, typeId: number): unknown => ({
    SpecialToken: { id, type_id: typeId },
  });
  const text = (id: string, typeId: number): unknown => ({ Sequence: { id, type_id: typeId } });
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: addedTokens(vocabulary).map(([id, token]) => ({ id, ...token })),
    normalizer: {
      type: 'BertNormalizer',
      clean_text: true,
      handle_chinese_chars: true,
      strip_accents: null,
      lowercase: doLowerCase,
    },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: {
      type: 'TemplateProcessing',
      single: [piece('[CLS]', 0), text('A', 0), piece('[SEP]', 0)],
      pair: [piece('[CLS]', 0), text('A', 0), piece('[SEP]', 0), text('B', 1), piece('[SEP]', 1)],
      special_tokens: {
        '[CLS]': { id: '[CLS]', ids: [clsId], tokens: ['[CLS]'] },
        '[SEP]': { id: '[SEP]', ids: [sepId], tokens: ['[SEP]'] },
      },
    },
    decoder: { type: 'WordPiece', prefix: continuationPrefix, cleanup: true },
    model: {
      type: 'WordPiece',
      unk_token: '[UNK]',
      continuing_subword_prefix: continuationPrefix,
      max_input_chars_per_word: maxWordLength,
      vocab: Object.fromEntries(vocabulary.ids),
    },
  };
}

function tokenizerConfig({ vocabulary, doLowerCase, maxPositions }: TokenizerFacts): unknown {
  return {
    added_tokens_decoder: Object.fromEntries(addedTokens(vocabulary)),
    clean_up_tokenization_spaces: true,
    do_lower_case: doLowerCase,
    model_max_length: maxPositions,
    ...specialNames,
    strip_accents: null,
    tokenize_chinese_chars: true,
    tokenizer_class: 'BertTokenizer',
  };
}

function addedTokens({ ids }: Vocabulary): [number, Readonly<Record<string, unknown>>][] {
  const flags = { lstrip: false, normalized: false, rstrip: false, single_word: false };
  return specialTokens
    .map((content): [number, Readonly<Record<string, unknown>>] => [
      ids.get(content) ?? -1,
      { content, ...flags, special: true },
    ])
    .sort(([a], [b]) => a - b);
}
