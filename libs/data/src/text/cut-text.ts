import {
  dropCharacters,
  classes,
  stripAccents,
  type BasicTokenizerOptions,
} from './basic-tokenizer.ts';

/** A part of a text that tokenises independently of the others. */
export interface TextPart {
  readonly text: string;
  /** Further characters of its only word, which is [UNK] without them as well. */
  readonly numMore: number;
}

/** Shorter texts need not be cut. */
export const maxPartLength = 1 << 16;
const minPartLength = 1 << 15;
/** Enough of a word for it to be too long. */
const enoughOfAWord = 512;
/** Between parts that take long to find. */
const pause: TextPart = { text: '', numMore: 0 };

// After whitespace, an ideograph, or punctuation that has no say in how a Greek sigma before it is lower-cased.
const freely = `,;!?()/\\-${classes.whitespace}${classes.ideograph}`;
const freeCut = new RegExp(`[${freely}]`, 'gu');
const anyCut = new RegExp(`[${freely}${classes.punctuation}]`, 'gu');
/** Between words that are given. */
const spaceCut = /[\t\n\r ]/g;

/**
 * Cuts a text of any length into parts of little more than 64k characters, in linear time: the tokens of the parts, one after
 * the other, are those of the text. Of a word of millions of characters some hundred are left. Where a part takes long to find
 * empty ones come before it, so that nobody waits for it without a pause.
 */
export function* cutText(
  text: string,
  { doLowerCase, pretokenised = false }: BasicTokenizerOptions,
): Generator<TextPart> {
  const bare = (slice: string): string => (doLowerCase ? stripAccents(slice.toLowerCase()) : slice);
  if (pretokenised) {
    yield* cutStretch(text, spaceCut, bare);
    return;
  }
  for (const stretch of stretchesOf(text, freeCut)) {
    if (stretch.length <= maxPartLength) yield { text: stretch, numMore: 0 };
    else {
      yield pause;
      const lower = doLowerCase ? yield* withoutSigma(stretch) : stretch;
      yield* cutStretch(lower, anyCut, (slice) => bare(dropCharacters(slice)));
    }
  }
}

/** @param bare - what is left of part of a word */
function* cutStretch(
  text: string,
  cut: RegExp,
  bare: (slice: string) => string,
): Generator<TextPart> {
  for (const stretch of stretchesOf(text, cut)) {
    if (stretch.length <= maxPartLength) yield { text: stretch, numMore: 0 };
    else {
      const end = stretch.slice(-2).match(cut)?.at(-1) ?? '';
      yield pause;
      yield yield* shortened(stretch.slice(0, stretch.length - end.length), bare);
      yield { text: end, numMore: 0 };
    }
  }
}

/** Parts that end at a cut, the last one where the text does. One that is long has no other cut in it. */
function* stretchesOf(text: string, cut: RegExp): Generator<string> {
  let from = 0;
  while (text.length - from > maxPartLength) {
    cut.lastIndex = from + minPartLength;
    const to = cut.exec(text) === null ? text.length : cut.lastIndex;
    const near = to - from > maxPartLength ? lastCut(text, cut, from) : from;
    if (near > from) yield text.slice(from, near);
    yield text.slice(near, to);
    from = to;
  }
  yield text.slice(from);
}

/** The end of the last cut in a part of minimum length; where it begins if there is none. */
function lastCut(text: string, cut: RegExp, from: number): number {
  const part = text.slice(from, from + minPartLength);
  let last = 0;
  cut.lastIndex = 0;
  while (cut.exec(part) !== null) last = cut.lastIndex;
  return from + last;
}

// Between two characters that have no say in how a sigma beyond the other one is lower-cased.
const letter = String.raw`(?!\u03a3)[\p{Lu}\p{Ll}\p{Lo}\p{N}]`;
const betweenLetters = new RegExp(`${letter}(?=${letter})`, 'gu');

/** The same text to what lower-cases; where there is a capital sigma, whose case depends on its word, it does so itself. */
function* withoutSigma(text: string): Generator<TextPart, string> {
  if (!text.includes('\u03a3')) return text;
  let kept = '';
  for (const slice of slicesOf(text)) {
    kept += dropCharacters(slice);
    yield pause;
  }
  let lower = '';
  for (const part of stretchesOf(kept, betweenLetters)) {
    lower += part.toLowerCase();
    yield pause;
  }
  return lower;
}

/** A word of which so much is left that it is still too long. */
function* shortened(word: string, bare: (slice: string) => string): Generator<TextPart, TextPart> {
  let text = '';
  let length = 0;
  for (const slice of slicesOf(word)) {
    const kept = bare(slice);
    length += kept.length;
    text += kept.slice(0, Math.max(0, enoughOfAWord - text.length));
    yield pause;
  }
  return { text, numMore: length - text.length };
}

/** Short parts of whole characters: the runtime fails, without an error that could be caught, on a replacement of millions of matches. */
function* slicesOf(text: string): Generator<string> {
  for (let from = 0, to; from < text.length; from = to) {
    to = Math.min(from + maxPartLength, text.length);
    if (/[\ud800-\udbff]/.test(text.charAt(to - 1))) to += 1;
    yield text.slice(from, to);
  }
}
