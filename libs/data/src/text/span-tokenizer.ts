import { characterIs, stripAccents, type BasicTokenizerOptions } from './basic-tokenizer.ts';
import { continuationPrefix, type Vocabulary } from './vocabulary.ts';
import { createWordPiece } from './wordpiece.ts';
import type { Work } from './work.ts';

/** The tokens of a text, and where in it each stands, in UTF-16 code units. */
export interface TokenSpans {
  readonly ids: readonly number[];
  readonly starts: readonly number[];
  /** Exclusive. */
  readonly ends: readonly number[];
}

/** Text after normalisation: for each of its code units, which part of the raw text it comes from. */
interface Traced {
  text: string;
  readonly starts: number[];
  readonly ends: number[];
}

/**
 * Tokenises as `createTokenizer`, token for token, and keeps track of where tokens come from. A token ends behind the accents of its last
 * letter, so that the text between two tokens' ends is readable. It pauses in long texts.
 */
export function createSpanTokenizer(
  vocabulary: Vocabulary,
  { doLowerCase }: BasicTokenizerOptions,
): (text: string) => Work<TokenSpans> {
  const wordPiece = createWordPiece(vocabulary);
  return function* (text) {
    const ids: number[] = [];
    const starts: number[] = [];
    const ends: number[] = [];
    const addPieces = (word: string, traced: Traced, from: number): void => {
      const numBefore = ids.length;
      wordPiece(word, ids);
      const isUnknown = ids[numBefore] === vocabulary.unkId;
      let at = from;
      for (const id of ids.slice(numBefore)) {
        const { length } = vocabulary.tokens[id]!;
        const numPrefix = at === from ? 0 : continuationPrefix.length;
        const end = isUnknown ? from + word.length : at + length - numPrefix;
        starts.push(traced.starts[at]!);
        ends.push(traced.ends[end - 1]!);
        at = end;
      }
    };
    for (const word of tracedWords(text)) {
      if (word === undefined) {
        yield;
        continue;
      }
      const traced = doLowerCase ? withoutCaseAndAccents(word) : word;
      for (const [from, to] of partsOf(traced.text))
        addPieces(traced.text.slice(from, to), traced, from);
    }
    return { ids, starts, ends };
  };
}

const charactersBetweenPauses = 1 << 14;

/** Words between whitespace and ideographs; undefined is a pause. */
function* tracedWords(text: string): Generator<Traced | undefined> {
  let word: Traced = { text: '', starts: [], ends: [] };
  let at = 0;
  let numCharacters = 0;
  for (const character of text) {
    if ((numCharacters += 1) % charactersBetweenPauses === 0) yield undefined;
    const start = at;
    at += character.length;
    if (characterIs.dropped(character)) continue;
    const isIdeograph = characterIs.ideograph(character);
    if (isIdeograph || characterIs.whitespace(character)) {
      if (word.text !== '') yield word;
      word = { text: '', starts: [], ends: [] };
    }
    if (characterIs.whitespace(character)) continue;
    append(word, character, start, at);
    if (!isIdeograph) continue;
    yield word;
    word = { text: '', starts: [], ends: [] };
  }
  if (word.text !== '') yield word;
}

/** Ranges of words and of single punctuation characters. */
function* partsOf(text: string): Generator<readonly [from: number, to: number]> {
  let from = 0;
  let at = 0;
  for (const character of text) {
    const end = at + character.length;
    if (characterIs.punctuation(character)) {
      if (at > from) yield [from, at];
      yield [at, end];
      from = end;
    }
    at = end;
  }
  if (at > from) yield [from, at];
}

function withoutCaseAndAccents(word: Traced): Traced {
  // As a whole: how a Greek sigma is lower-cased depends on what stands around it.
  const lower = word.text.toLowerCase();
  const bare = stripAccents(lower);
  const traced: Traced = { text: '', starts: [], ends: [] };
  let at = 0;
  let rawAt = 0;
  for (const character of word.text) {
    const [start, end] = [word.starts[rawAt]!, word.ends[rawAt]!];
    rawAt += character.length;
    const { length } = character.toLowerCase();
    for (const letter of lower.slice(at, at + length)) {
      const kept = stripAccents(letter);
      if (kept !== '') append(traced, kept, start, end);
      else if (traced.ends.length > 0) traced.ends[traced.ends.length - 1] = end;
    }
    at += length;
  }
  if (traced.text === bare) return traced;
  // Marks that normalisation has put into another order: where each came from is lost, but not what the word is.
  const whole: Traced = { text: '', starts: [], ends: [] };
  append(whole, bare, word.starts[0]!, word.ends.at(-1)!);
  return whole;
}

/** @param start - of the raw text that all of `text` comes from */
function append(traced: Traced, text: string, start: number, end: number): void {
  traced.text += text;
  for (let i = 0; i < text.length; i++) {
    traced.starts.push(start);
    traced.ends.push(end);
  }
}
