export interface BasicTokenizerOptions {
  /** Uncased: lower-case and drop accents. */
  readonly doLowerCase: boolean;
  /** Words are what stands between spaces, whatever they are made of. @defaultValue false */
  readonly pretokenised?: boolean;
}

const dropped = /(?![\t\n\r])[\p{Cc}\p{Cf}\ufffd]/gu;
const nonspacingMark = /\p{Mn}/gu;

/** Classes of characters, for regular expressions with the flag u. */
export const classes = {
  ideograph: String.raw`\u4e00-\u9fff\u3400-\u4dbf\u{20000}-\u{2a6df}\u{2a700}-\u{2b73f}\u{2b740}-\u{2b81f}\u{2b820}-\u{2ceaf}\uf900-\ufaff\u{2f800}-\u{2fa1f}`,
  whitespace: String.raw`\t\n\r\p{Zs}\u2028\u2029`,
  punctuation: String.raw`!-\/:-@\[-\x60{-~\p{P}`,
} as const;

const alone = classes.punctuation + classes.ideograph;
const word = new RegExp(`[${alone}]|[^${alone}${classes.whitespace}]+`, 'gu');

/** Of single characters, as the rules below see them. */
export const characterIs = {
  dropped: predicateOf(dropped.source),
  ideograph: predicateOf(`[${classes.ideograph}]`),
  whitespace: predicateOf(`[${classes.whitespace}]`),
  nonspacingMark: predicateOf(nonspacingMark.source),
  punctuation: predicateOf(`[${classes.punctuation}]`),
} as const;

function predicateOf(pattern: string): (character: string) => boolean {
  const regex = new RegExp(pattern, 'u');
  return (character) => regex.test(character);
}

/**
 * Splits text into words and punctuation exactly as `BasicTokenizer` of google-research/bert (tokenization.py) does:
 * control and format characters vanish, an ideograph or a punctuation character is a word of its own, and nothing is
 * recognised as a special token.
 * @param text - of at most some 100,000 characters: longer ones are cut before, by `cutText`
 */
export function basicTokenize(
  text: string,
  { doLowerCase, pretokenised = false }: BasicTokenizerOptions,
): string[] {
  if (pretokenised)
    return text
      .split(/[\t\n\r ]+/)
      .map((word) => (doLowerCase ? stripAccents(word.toLowerCase()) : word))
      .filter((word) => word !== '');
  // Lower-casing and decomposing make no whitespace and no ideograph of what is none, so they may come before the split.
  const kept = dropCharacters(text);
  return (doLowerCase ? stripAccents(kept.toLowerCase()) : kept).match(word) ?? [];
}

export function stripAccents(word: string): string {
  return word.normalize('NFD').replace(nonspacingMark, '');
}

/** A text without the characters that vanish. */
export function dropCharacters(text: string): string {
  return text.replace(dropped, '');
}

// An ideograph, or punctuation that has no say in how a Greek sigma before it is lower-cased.
const cut = new RegExp(`[,;!?()/\\-${classes.ideograph}]`, 'gu');

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
