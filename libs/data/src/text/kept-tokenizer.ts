import { createTokenizer, type PausingTokenizer, type TokenizerOptions } from './tokenizer.ts';
import { parseVocabulary } from './vocabulary.ts';

interface VocabularyFile {
  readonly key: string;
  readonly sha256: string;
  readonly bytes: Uint8Array;
}

type KeptOptions = Required<Pick<TokenizerOptions, 'doLowerCase' | 'pretokenised'>>;

let kept: (KeptOptions & { sha256: string; tokenizer: PausingTokenizer }) | undefined;

/**
 * The tokeniser of a vocabulary: that of the call before if it is the same, which knows the words that it has met.
 * @param file - with the digest that its bytes have
 * @throws BerthError `DATA_VOCABULARY_INVALID`
 */
export function keptTokenizer(
  { key, sha256, bytes }: VocabularyFile,
  { doLowerCase, pretokenised }: KeptOptions,
): PausingTokenizer {
  const isSame =
    kept?.sha256 === sha256 &&
    kept.doLowerCase === doLowerCase &&
    kept.pretokenised === pretokenised;
  if (kept === undefined || !isSame) {
    const tokenizer = createTokenizer(parseVocabulary(bytes, key), { doLowerCase, pretokenised });
    kept = { sha256, doLowerCase, pretokenised, tokenizer };
  }
  return kept.tokenizer;
}
