import { continuationPrefix, createVocabulary, specialTokens } from '../text/vocabulary.ts';
import { maxWordLength } from '../text/wordpiece.ts';
import type { JsonFile } from './json-file.ts';
import { checkAccents, otherwise, type FolderTokenizer } from './folder-tokenizer.ts';

/** Of the tokenizers library, where nothing else is said. */
const usualWordLength = 100;

/**
 * A WordPiece tokenizer.json of the `tokenizers` library.
 * @throws BerthError `DATA_VOCABULARY_INVALID` when it tokenises otherwise than BERT
 */
export function readTokenizerJson(file: JsonFile): FolderTokenizer {
  const model = file.object('model');
  const expect = (part: JsonFile, key: string, wanted: string, fallback?: string): void => {
    const found = part.text(key, fallback ?? 'absent');
    if (found !== wanted) throw otherwise(part, `${key} is ${found}; berth knows ${wanted} only`);
  };
  // Old files leave the model's type out.
  expect(model, 'type', 'WordPiece', 'WordPiece');
  expect(model, 'unk_token', '[UNK]');
  expect(model, 'continuing_subword_prefix', continuationPrefix, continuationPrefix);
  expect(file.object('pre_tokenizer'), 'type', 'BertPreTokenizer');
  const normalizer = file.object('normalizer');
  expect(normalizer, 'type', 'BertNormalizer');
  const doLowerCase = normalizer.get('lowercase') !== false;
  checkAccents(normalizer, normalizer.get('strip_accents'), doLowerCase);
  for (const key of ['handle_chinese_chars', 'clean_text'])
    if (normalizer.get(key) === false)
      throw otherwise(normalizer, `${key} is false; berth always does that, as the BERT release`);
  const added = addedTokens(file);
  const own = [...added.keys()].filter(
    (token) => !(specialTokens as readonly string[]).includes(token),
  );
  return {
    vocabulary: createVocabulary(tokensOf(file, model, added), file.path),
    doLowerCase,
    added: own,
    notes: [...notesOnLength(model), ...notesOnAdded(own)],
  };
}

/** Tokens by id, those that were added behind the vocabulary with them. */
function tokensOf(file: JsonFile, model: JsonFile, added: ReadonlyMap<string, number>): string[] {
  const ids = new Map<unknown, unknown>([...model.object('vocab').entries(), ...added]);
  const tokens = Array.from<string | undefined>({ length: ids.size });
  for (const [token, id] of ids) {
    if (typeof id !== 'number' || !(id in tokens) || tokens[id] !== undefined)
      throw otherwise(
        file,
        `${JSON.stringify(token)} has the id ${JSON.stringify(id)}; ids must be those from 0 to ` +
          `${ids.size - 1}, each once`,
      );
    tokens[id] = String(token);
  }
  return tokens as string[];
}

function addedTokens(file: JsonFile): Map<string, number> {
  const added = new Map<string, number>();
  const listed = file.get('added_tokens');
  for (const entry of Array.isArray(listed) ? (listed as unknown[]) : []) {
    const { content, id } = (entry ?? {}) as { content?: unknown; id?: unknown };
    if (typeof content === 'string' && typeof id === 'number') added.set(content, id);
  }
  return added;
}

/** @throws BerthError `DATA_VOCABULARY_INVALID` where words are [UNK] that are none to BERT, or the reverse, beyond what is usual */
function notesOnLength(model: JsonFile): string[] {
  const length = model.number('max_input_chars_per_word', usualWordLength);
  if (length === maxWordLength) return [];
  if (length !== usualWordLength)
    throw otherwise(
      model,
      `max_input_chars_per_word is ${length}; berth looks at words of up to ${maxWordLength} characters, as the BERT release`,
    );
  return [
    `words of ${usualWordLength + 1} to ${maxWordLength} characters are looked at, which max_input_chars_per_word makes [UNK]`,
  ];
}

function notesOnAdded(own: readonly string[]): string[] {
  if (own.length === 0) return [];
  return [
    `${own.length} added tokens (${own.slice(0, 3).join(', ')}${own.length > 3 ? ', ...' : ''}) keep ` +
      'their rows, but berth does not look for them in text before it splits it',
  ];
}
