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
  const original = new Uint32Array(numFirstSegment + b.end - b.start + 1);
  original[0] = vocabulary.clsId;
  original.set(documents.tokens.subarray(a.start, a.end), 1);
  original[numFirstSegment - 1] = vocabulary.sepId;
  original.set(bDocuments.tokens.subarray(b.start, b.end), numFirstSegment);
  original[original.length - 1] = vocabulary.sepId;

  const masked = maskedSequence(original, settings, vocabulary, continuesWord, random);
  const sources = [
    { documents, ...a },
    { documents: bDocuments, ...b },
  ];
  return { ...masked, numFirstSegment, isRandomNext, sources };
}

/** Masks a copy of a sequence. */
export function maskedSequence(
  original: TokenIds,
  settings: ExampleSettings,
  vocabulary: ExampleVocabulary,
  continuesWord: WordContinuations | undefined,
  random: RandomSource,
): Pick<Example, 'ids' | 'maskedPositions' | 'maskedLabels'> {
  const ids = original.slice();
  const maskedPositions = maskTokens(ids, settings, vocabulary, continuesWord, random);
  const maskedLabels = maskedPositions.map((position) => original[position]!);
  return { ids, maskedPositions, maskedLabels };
}
