import { basicTokenize, cutLongChunk, type BasicTokenizerOptions } from './basic-tokenizer.ts';
import type { Vocabulary } from './vocabulary.ts';
import { createWordCache } from './word-cache.ts';
import { createWordPiece, isTooLong } from './wordpiece.ts';

export interface TokenizerOptions extends BasicTokenizerOptions {
  /** Most recent words whose ids are kept; 0 keeps none. Default 65,536. */
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
  { doLowerCase, numCachedWords = 65_536 }: TokenizerOptions,
): Tokenizer {
  const wordPiece = createWordPiece(vocabulary);
  const cache = createWordCache<ChunkTokens>(numCachedWords);

  const tokensOf = (chunk: string): ChunkTokens => {
    const known = cache.get(chunk);
    if (known !== undefined) return known;
    const ids: number[] = [];
    const loss = createTokenTally();
    for (const word of basicTokenize(chunk, { doLowerCase })) {
      wordPiece(word, ids);
      if (ids.at(-1) !== vocabulary.unkId) continue;
      loss.numUnknownTokens += 1;
      loss.numUnknownCharacters += word.length;
      if (isTooLong(word)) loss.numLongWords += 1;
    }
    loss.numDroppedCharacters = chunk.match(lostCharacter)?.length ?? 0;
    const hasLoss = loss.numUnknownTokens + loss.numDroppedCharacters > 0;
    const tokens = { ids, loss: hasLoss ? loss : undefined };
    cache.set(chunk, tokens);
    return tokens;
  };

  return {
    vocabulary,
    tokenize: (text, tally) => {
      const all: number[] = [];
      for (const chunk of splitChunks(text)) {
        const { ids, loss } = tokensOf(chunk);
        for (const id of ids) all.push(id);
        if (tally === undefined) continue;
        tally.numCharacters += chunk.length;
        if (loss !== undefined) addLoss(tally, loss);
      }
      return all;
    },
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

const longChunkLength = 1 << 13;

/** Parts of a text that tokenise independently of each other: between ASCII spaces and line ends, or shorter. */
export function splitChunks(text: string): string[] {
  const chunks = text.split(/[\t\n\r ]+/);
  return chunks.some(({ length }) => length > longChunkLength)
    ? chunks.flatMap(cutLongChunk)
    : chunks;
}
