import { createTokenizer, type PausingTokenizer, type TokenizerOptions } from './tokenizer.ts';
import { parseVocabulary } from './vocabulary.ts';

interface VocabularyFile {
  readonly key: string;
  readonly sha256: string;
}

export interface KeptTokenizerOptions extends KeptOptions {
  /** Reads the vocabulary where it is another than that of the call before. */
  readonly read: () => Promise<Uint8Array>;
}

type KeptOptions = Required<Pick<TokenizerOptions, 'doLowerCase' | 'pretokenised'>>;

let kept: (KeptOptions & { sha256: string; tokenizer: PausingTokenizer }) | undefined;

/**
 * The tokeniser of a vocabulary: that of the call before if it is the same, which knows the words that it has met.
 * @param file - with the digest that its bytes have
 * @throws BerthError `DATA_VOCABULARY_INVALID`, and what reading throws
 */
export async function keptTokenizer(
  { key, sha256 }: VocabularyFile,
  { doLowerCase, pretokenised, read }: KeptTokenizerOptions,
): Promise<PausingTokenizer> {
  const isSame =
    kept?.sha256 === sha256 &&
    kept.doLowerCase === doLowerCase &&
    kept.pretokenised === pretokenised;
  if (kept !== undefined && isSame) return kept.tokenizer;
  const vocabulary = parseVocabulary(await read(), key);
  const tokenizer = createTokenizer(vocabulary, { doLowerCase, pretokenised });
  kept = { sha256, doLowerCase, pretokenised, tokenizer };
  return tokenizer;
}
