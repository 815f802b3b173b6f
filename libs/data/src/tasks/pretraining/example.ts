import type { RandomSource } from '../../random/random-source.ts';
import type { TokenDocuments, TokenIds, TokenSource } from '../../dataset/token-documents.ts';
import type { SegmentPair } from './segment-pairs.ts';
import { maskTokens } from './masking.ts';
import type { ExampleSettings, ExampleVocabulary } from './settings.ts';
import type { WordContinuations } from './word-continuations.ts';

/** An example, unpadded: [CLS] A [SEP] B [SEP], or without next sentence [CLS] and each document's text with a [SEP]. */
export interface Example {
  /** With masks applied. */
  readonly ids: TokenIds;
  /** Tokens of [CLS] A [SEP]: segment 0; those after it are segment 1. */
  readonly numFirstSegment: number;
  /** Ascending. */
  readonly maskedPositions: ArrayLike<number>;
  /** The ids that were at the masked positions. */
  readonly maskedLabels: ArrayLike<number>;
  readonly isRandomNext: boolean;
}

/** An example that still knows what it was made of. */
export interface SourcedExample extends Example {
  /** What follows [CLS]: these, in order, each with a [SEP] behind it. */
  readonly sources: readonly TokenSource[];
}

/** Lays out a pair and masks it. */
export function maskedExample(
  documents: TokenDocuments,
  { a, b, bDocuments, isRandomNext }: SegmentPair,
  settings: ExampleSettings,
  vocabulary: ExampleVocabulary,
  continuesWord: WordContinuations | undefined,
  random: RandomSource,
): SourcedExample {
  const numFirstSegment = a.end - a.start + 2;
  const ids = newIds(numFirstSegment + b.end - b.start + 1);
  ids[0] = vocabulary.clsId;
  ids.set(documents.tokens.subarray(a.start, a.end), 1);
  ids[numFirstSegment - 1] = vocabulary.sepId;
  ids.set(bDocuments.tokens.subarray(b.start, b.end), numFirstSegment);
  ids[ids.length - 1] = vocabulary.sepId;

  const masked = maskedSequence(ids, settings, vocabulary, continuesWord, random);
  const sources = [
    { documents, ...a },
    { documents: bDocuments, ...b },
  ];
  return { ...masked, numFirstSegment, isRandomNext, sources };
}

const roomLength = 2 ** 14;
let room = new Uint32Array(roomLength);
let numTaken = 0;

/** Room for the ids of an example, which is its own. Many share a buffer: one for each costs more than making the example. */
function newIds(length: number): Uint32Array {
  if (numTaken + length > room.length) {
    room = new Uint32Array(Math.max(length, roomLength));
    numTaken = 0;
  }
  numTaken += length;
  return room.subarray(numTaken - length, numTaken);
}

let original = new Uint32Array(512);

/** Masks a sequence in place. */
export function maskedSequence(
  ids: TokenIds,
  settings: ExampleSettings,
  vocabulary: ExampleVocabulary,
  continuesWord: WordContinuations | undefined,
  random: RandomSource,
): Pick<Example, 'ids' | 'maskedPositions' | 'maskedLabels'> {
  if (ids.length > original.length) original = new Uint32Array(ids.length);
  original.set(ids);
  const maskedPositions = maskTokens(ids, settings, vocabulary, continuesWord, random);
  const maskedLabels = maskedPositions.map((position) => original[position]!);
  return { ids, maskedPositions, maskedLabels };
}
