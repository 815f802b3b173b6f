import { basicTokenize, type BasicTokenizerOptions } from './basic-tokenizer.ts';
import type { Vocabulary } from './vocabulary.ts';
import { createWordCache } from './word-cache.ts';
import { createWordPiece } from './wordpiece.ts';

export interface TokenizerOptions extends BasicTokenizerOptions {
  /** Most recent words whose ids are kept; 0 keeps none. Default 65,536. */
  readonly numCachedWords?: number;
}

export interface Tokenizer {
  readonly vocabulary: Vocabulary;
  /** The ids of a text's tokens, without [CLS] and [SEP]; equal to Google's `FullTokenizer`, token for token. */
  tokenize(text: string): number[];
}

/** BERT's tokeniser: basic tokenisation, then WordPiece. */
export function createTokenizer(
  vocabulary: Vocabulary,
  { doLowerCase, numCachedWords = 65_536 }: TokenizerOptions,
): Tokenizer {
  const wordPiece = createWordPiece(vocabulary);
  const cache = createWordCache<readonly number[]>(numCachedWords);

  const idsOf = (chunk: string): readonly number[] => {
    const known = cache.get(chunk);
    if (known !== undefined) return known;
    const ids: number[] = [];
    for (const word of basicTokenize(chunk, { doLowerCase })) wordPiece(word, ids);
    cache.set(chunk, ids);
    return ids;
  };

  return {
    vocabulary,
    tokenize: (text) => {
      const ids: number[] = [];
      for (const chunk of splitChunks(text)) for (const id of idsOf(chunk)) ids.push(id);
      return ids;
    },
  };
}

/** Parts of a text that tokenise independently of each other: between ASCII spaces and line ends. */
export function splitChunks(text: string): string[] {
  return text.split(/[\t\n\r ]+/);
}
