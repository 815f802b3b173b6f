export interface BasicTokenizerOptions {
  /** Uncased: lower-case and drop accents. */
  readonly doLowerCase: boolean;
}

const dropped = /(?![\t\n\r])[\p{Cc}\p{Cf}\ufffd]/gu;
const ideograph =
  /[\u4e00-\u9fff\u3400-\u4dbf\u{20000}-\u{2a6df}\u{2a700}-\u{2b73f}\u{2b740}-\u{2b81f}\u{2b820}-\u{2ceaf}\uf900-\ufaff\u{2f800}-\u{2fa1f}]/gu;
const whitespace = /[\t\n\r\p{Zs}\u2028\u2029]+/u;
const nonspacingMark = /\p{Mn}/gu;
const punctuationOrWord = /[!-/:-@[-`{-~\p{P}]|[^!-/:-@[-`{-~\p{P}]+/gu;

/**
 * Splits text into words and punctuation exactly as `BasicTokenizer` of google-research/bert (tokenization.py) does:
 * control and format characters vanish, an ideograph or a punctuation character is a word of its own, and nothing is
 * recognised as a special token.
 */
export function basicTokenize(text: string, { doLowerCase }: BasicTokenizerOptions): string[] {
  return text
    .replace(dropped, '')
    .replace(ideograph, ' $& ')
    .split(whitespace)
    .map((word) => (doLowerCase ? stripAccents(word.toLowerCase()) : word))
    .flatMap((word) => word.match(punctuationOrWord) ?? []);
}

function stripAccents(word: string): string {
  return word.normalize('NFD').replace(nonspacingMark, '');
}
