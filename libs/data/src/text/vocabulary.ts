import { isUtf8 } from 'node:buffer';
import { BerthError } from '@berth/contracts';
import { detectEncoding } from '../corpus/text-encoding.ts';

/** The five tokens that every BERT vocabulary has, in the order in which a trained one begins. */
export const specialTokens = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'] as const;

/** Marks a piece that continues a word. */
export const continuationPrefix = '##';

/** A WordPiece vocabulary: a token's id is its index. */
export interface Vocabulary {
  readonly tokens: readonly string[];
  readonly ids: ReadonlyMap<string, number>;
  readonly padId: number;
  readonly unkId: number;
  readonly clsId: number;
  readonly sepId: number;
  readonly maskId: number;
}

/**
 * A vocabulary of these tokens; `name` is what errors call it.
 *
 * @throws BerthError DATA_VOCABULARY_INVALID for an empty or repeated token, or a missing special token.
 */
export function createVocabulary(tokens: readonly string[], name = 'the vocabulary'): Vocabulary {
  const ids = new Map<string, number>();
  for (const [id, token] of tokens.entries()) {
    const earlier = ids.get(token);
    if (token === '') throw invalid(name, id, 'is empty: remove it, or write the token of that id');
    if (earlier !== undefined) {
      throw invalid(name, id, `repeats line ${earlier + 1}: each token needs one id`);
    }
    ids.set(token, id);
  }
  const special = (token: (typeof specialTokens)[number]): number => {
    const id = ids.get(token);
    if (id === undefined) {
      throw new BerthError(
        'DATA_VOCABULARY_INVALID',
        `${name} has no ${token}: a BERT vocabulary needs ${specialTokens.join(' ')}, each on a line of its own`,
        { details: { token } },
      );
    }
    return id;
  };
  return {
    tokens,
    ids,
    padId: special('[PAD]'),
    unkId: special('[UNK]'),
    clsId: special('[CLS]'),
    sepId: special('[SEP]'),
    maskId: special('[MASK]'),
  };
}

/**
 * Reads a vocab.txt: UTF-8, one token a line. As in google-research/bert `load_vocab`, lines end at LF, and at CR
 * where there is no LF, and are stripped of whitespace. A line of nothing but exotic whitespace (the released Chinese vocabulary has U+2028) keeps
 * its id and matches no word.
 *
 * @throws BerthError DATA_VOCABULARY_INVALID, naming the line.
 */
export function parseVocabulary(bytes: Uint8Array, name: string): Vocabulary {
  const detected = detectEncoding(bytes);
  const isUtf16 = 'encoding' in detected && detected.encoding.startsWith('utf-16');
  if (isUtf16 || !isUtf8(bytes)) {
    throw new BerthError(
      'DATA_VOCABULARY_INVALID',
      `${name} is ${isUtf16 ? 'UTF-16' : 'not UTF-8'}: convert it with ` +
        `iconv -f ${isUtf16 ? detected.encoding : 'ENCODING'} -t utf-8`,
    );
  }
  const text = new TextDecoder().decode(bytes);
  const lines = text.split(text.includes('\n') ? '\n' : '\r');
  if (lines.at(-1) === '') lines.pop();
  return createVocabulary(
    lines.map((line) => stripLikePython(line) || line.replace(/^[\t\r ]+$/, '')),
    name,
  );
}

/** The bytes of a vocab.txt: each token followed by LF. */
export function serializeVocabulary(vocabulary: Vocabulary): Uint8Array {
  return new TextEncoder().encode(vocabulary.tokens.map((token) => `${token}\n`).join(''));
}

// What str.isspace() calls whitespace; unlike String.prototype.trim with U+001C-U+001F and U+0085, without U+FEFF.
const pythonSpace = String.raw`[\t-\r\x1c-\x20\x85\p{Zs}\u2028\u2029]`;
const outerSpace = new RegExp(`^${pythonSpace}+|${pythonSpace}+$`, 'gu');

function stripLikePython(line: string): string {
  return line.replace(outerSpace, '');
}

function invalid(name: string, id: number, problem: string): BerthError {
  return new BerthError('DATA_VOCABULARY_INVALID', `${name}: line ${id + 1} ${problem}`, {
    details: { line: id + 1 },
  });
}
