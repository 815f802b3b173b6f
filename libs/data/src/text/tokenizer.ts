import { basicTokenize, cutLongChunk, type BasicTokenizerOptions } from './basic-tokenizer.ts';
import { scanChunks } from './chunk-table.ts';
import { cutText, maxPartLength } from './cut-text.ts';
import { TokenGeneration } from './token-generation.ts';
import type { Vocabulary } from './vocabulary.ts';
import { createWordPiece, isTooLong } from './wordpiece.ts';
import { finish, type Work } from './work.ts';

export interface TokenizerOptions extends BasicTokenizerOptions {
  /** Most recent words whose ids are kept; 0 keeps none. Default 131,072. */
  readonly numCachedWords?: number;
}

/** What tokenising lost, of all texts so far. */
export interface TokenTally {
  /** UTF-16 code units that are no space. */
  numCharacters: number;
  numUnknownTokens: number;
  /** Of the characters: in words that became [UNK]. */
  numUnknownCharacters: number;
  /** Of the characters: controls and replacement characters. */
  numDroppedCharacters: number;
  /** Words too long to be looked at. */
  numLongWords: number;
}

export interface Tokenizer {
  readonly vocabulary: Vocabulary;
  /**
   * The ids of a text's tokens, without [CLS] and [SEP]; equal to Google's `FullTokenizer`, token for token.
   * @param tally - to add to
   */
  tokenize(text: string, tally?: TokenTally): number[];
}

export interface PausingTokenizer extends Tokenizer {
  /** The same as work, which pauses in long texts. */
  tokenizing(text: string, tally?: TokenTally): Work<number[]>;
}

/** A tally that has counted nothing. */
export function createTokenTally(): TokenTally {
  return {
    numCharacters: 0,
    numUnknownTokens: 0,
    numUnknownCharacters: 0,
    numDroppedCharacters: 0,
    numLongWords: 0,
  };
}

interface ChunkTokens {
  readonly ids: readonly number[];
  /** Undefined when nothing was lost. */
  readonly loss: TokenTally | undefined;
}

/** BERT's tokeniser: basic tokenisation, then WordPiece. */
export function createTokenizer(
  vocabulary: Vocabulary,
  { doLowerCase, pretokenised = false, numCachedWords = 131_072 }: TokenizerOptions,
): PausingTokenizer {
  const wordPiece = createWordPiece(vocabulary);
  /** Once the young one is full it becomes the old one, of which only what is met again stays. */
  let young = new TokenGeneration<TokenTally | undefined>(numCachedWords);
  let old = new TokenGeneration<TokenTally | undefined>(0);

  const numDropped = (text: string): number =>
    pretokenised ? 0 : (text.match(lostCharacter)?.length ?? 0);
  const tokensOf = (chunk: string): ChunkTokens => {
    const ids: number[] = [];
    const loss = createTokenTally();
    for (const word of basicTokenize(chunk, { doLowerCase, pretokenised })) {
      wordPiece(word, ids);
      if (ids.at(-1) !== vocabulary.unkId) continue;
      loss.numUnknownTokens += 1;
      loss.numUnknownCharacters += word.length;
      if (isTooLong(word)) loss.numLongWords += 1;
    }
    loss.numDroppedCharacters = numDropped(chunk);
    const hasLoss = loss.numUnknownTokens + loss.numDroppedCharacters > 0;
    return { ids, loss: hasLoss ? loss : undefined };
  };
  const append = (all: number[], tokens: ChunkTokens): TokenTally | undefined => {
    for (const id of tokens.ids) all.push(id);
    return tokens.loss;
  };
  /** @returns what it lost */
  const appendShort = (
    all: number[],
    text: string,
    from: number,
    to: number,
    hash: number,
  ): TokenTally | undefined => {
    const known = young.table.find(text, from, to, hash);
    if (known >= 0) return young.append(known, all);
    const aged = old.table.find(text, from, to, hash);
    const tokens =
      aged < 0 ? tokensOf(text.slice(from, to)) : { ids: old.idsOf(aged), loss: old.aboutOf(aged) };
    if (young.table.isFull) [old, young] = [young, new TokenGeneration(numCachedWords)];
    young.add(text, from, to, hash, tokens.ids, tokens.loss);
    return append(all, tokens);
  };

  const addTokens = (text: string, all: number[], tally: TokenTally | undefined): void => {
    const count = (numCharacters: number, loss: TokenTally | undefined): void => {
      if (tally === undefined) return;
      tally.numCharacters += numCharacters;
      if (loss !== undefined) addLoss(tally, loss);
    };
    scanChunks(text, (from, to, hash) => {
      const length = to - from;
      if (length <= maxCachedLength && numCachedWords > 0)
        count(length, appendShort(all, text, from, to, hash));
      else
        for (const chunk of splitLong(text.slice(from, to), pretokenised))
          count(chunk.length, append(all, tokensOf(chunk)));
    });
  };
  function* addLongText(text: string, all: number[], tally: TokenTally | undefined): Work<void> {
    const ofParts = createTokenTally();
    for (const { text: part, numMore } of cutText(text, { doLowerCase, pretokenised })) {
      addTokens(part, all, ofParts);
      ofParts.numUnknownCharacters += numMore;
      yield;
    }
    if (tally === undefined) return;
    // A part may have lost what the text had.
    addLoss(tally, { ...ofParts, numDroppedCharacters: 0 });
    for (let start = 0; start < text.length; start += maxPartLength) {
      const slice = text.slice(start, start + maxPartLength);
      tally.numCharacters += slice.replace(asciiSpace, '').length;
      tally.numDroppedCharacters += numDropped(slice);
      yield;
    }
  }
  function* tokenizing(text: string, tally?: TokenTally): Work<number[]> {
    const all: number[] = [];
    if (text.length <= maxPartLength) addTokens(text, all, tally);
    else yield* addLongText(text, all, tally);
    return all;
  }

  return {
    vocabulary,
    tokenize: (text, tally) => finish(tokenizing(text, tally)),
    tokenizing,
  };
}

function addLoss(tally: TokenTally, loss: TokenTally): void {
  tally.numUnknownTokens += loss.numUnknownTokens;
  tally.numUnknownCharacters += loss.numUnknownCharacters;
  tally.numDroppedCharacters += loss.numDroppedCharacters;
  tally.numLongWords += loss.numLongWords;
}

// Controls that are no space, and what decoders write for bytes they do not understand.
const lostCharacter = /(?![\t\n\v\f\r])\p{Cc}|\ufffd/gu;

const asciiSpace = /[\t\n\r ]+/g;

// A page without spaces is one chunk: not worth keeping.
const maxCachedLength = 64;
const longChunkLength = 1 << 13;

/** A chunk, or parts of it that tokenise independently of each other. */
export function splitLong(chunk: string, pretokenised: boolean): readonly string[] {
  return chunk.length > longChunkLength && !pretokenised ? cutLongChunk(chunk) : [chunk];
}
