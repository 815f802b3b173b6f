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
const punctuation = /([!-/:-@[-`{-~\p{P}])/u;

/** Of single characters, as the rules below see them. */
export const characterIs = {
  dropped: predicateOf(dropped.source),
  ideograph: predicateOf(ideograph.source),
  whitespace: predicateOf(whitespace.source),
  nonspacingMark: predicateOf(nonspacingMark.source),
  punctuation: predicateOf(punctuation.source),
} as const;

function predicateOf(pattern: string): (character: string) => boolean {
  const regex = new RegExp(pattern, 'u');
  return (character) => regex.test(character);
}

/** The runtime fails, without an error that could be caught, on a replacement of millions of matches. */
const maxSliceLength = 1 << 16;

/**
 * Splits text into words and punctuation exactly as `BasicTokenizer` of google-research/bert (tokenization.py) does:
 * control and format characters vanish, an ideograph or a punctuation character is a word of its own, and nothing is
 * recognised as a special token.
 */
export function basicTokenize(text: string, { doLowerCase }: BasicTokenizerOptions): string[] {
  return inSlices(text, (slice) => slice.replace(dropped, '').replace(ideograph, ' $& '))
    .split(whitespace)
    .map((word) => (doLowerCase ? inSlices(word.toLowerCase(), stripAccents) : word))
    .flatMap(splitAtPunctuation);
}

function splitAtPunctuation(word: string): string[] {
  // A match of millions of characters overflows the stack.
  return word.length > maxSliceLength
    ? word.split(punctuation).filter((part) => part !== '')
    : (word.match(punctuationOrWord) ?? []);
}

export function stripAccents(word: string): string {
  return word.normalize('NFD').replace(nonspacingMark, '');
}

/** Applies to each slice what changes characters one by one. */
function inSlices(text: string, change: (slice: string) => string): string {
  if (text.length <= maxSliceLength) return change(text);
  let changed = '';
  for (let start = 0; start < text.length;) {
    let end = Math.min(start + maxSliceLength, text.length);
    if (/[\ud800-\udbff]/.test(text.charAt(end - 1))) end += 1;
    changed += change(text.slice(start, end));
    start = end;
  }
  return changed;
}

// An ideograph, or punctuation that has no say in how a Greek sigma before it is lower-cased.
const cut = new RegExp(`[,;!?()/-]|${ideograph.source}`, 'gu');

/** Text between spaces, in parts that tokenise independently of each other and are short where that is possible. */
export function cutLongChunk(chunk: string): string[] {
  const parts: string[] = [];
  let start = 0;
  while (chunk.length - start > maxChunkLength) {
    cut.lastIndex = start + maxChunkLength;
    const match = cut.exec(chunk);
    if (match === null) break;
    const end = match.index + match[0].length;
    parts.push(chunk.slice(start, end));
    start = end;
  }
  parts.push(chunk.slice(start));
  return parts;
}

const maxChunkLength = 1 << 12;
