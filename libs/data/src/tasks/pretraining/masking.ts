import type { TokenIds } from '../../dataset/token-documents.ts';
import type { ExampleSettings, ExampleVocabulary } from './settings.ts';
import { shuffle, type RandomSource } from '../../random/random-source.ts';
import { maskSpans, type MaskableWords } from './span-masking.ts';
import type { WordContinuations } from './word-continuations.ts';

/**
 * Masks ids in place, as google-research/bert `create_masked_lm_predictions` does: of the chosen positions 80 % become
 * [MASK], 10 % stay, 10 % become any entry of the vocabulary.
 * The tokens of a word are chosen together where `continuesWord` is given: a word that would overshoot the number of
 * predictions is skipped, and a piece that begins B joins the last word of A. Spans are SpanBERT's (`maskSpans`).
 * @returns the chosen positions, ascending
 */
export function maskTokens(
  ids: TokenIds,
  settings: ExampleSettings,
  vocabulary: ExampleVocabulary,
  continuesWord: WordContinuations | undefined,
  random: RandomSource,
): number[] {
  const words = maskableWords(ids, continuesWord?.(ids), vocabulary);
  const { positions, wordStarts } = words;
  const order = scratch.order.subarray(0, wordStarts.length);
  for (let word = 0; word < order.length; word++) order[word] = word;
  shuffle(order, random);

  const limit = numPredictionsFor(ids.length, settings);
  if (settings.masking === 'span') {
    const span = { ids, words, order, limit, vocabulary, random };
    return sorted(maskSpans(span), ids.length);
  }
  const chosen: number[] = [];
  for (let tried = 0; tried < order.length && chosen.length < limit; tried++) {
    const word = order[tried]!;
    const start = wordStarts[word]!;
    const end = wordStarts[word + 1] ?? positions.length;
    if (chosen.length + end - start > limit) continue;
    for (let i = start; i < end; i++) {
      const position = positions[i]!;
      ids[position] = maskedId(ids[position]!, vocabulary, random);
      chosen.push(position);
    }
  }
  return sorted(chosen, ids.length);
}

/** What is filled anew for each sequence: buffers of their own would cost more than masking it. */
let scratch = scratchFor(512);

function scratchFor(
  length: number,
): Record<'positions' | 'wordStarts' | 'order', Uint16Array> & { readonly isChosen: Uint8Array } {
  return {
    positions: new Uint16Array(length),
    wordStarts: new Uint16Array(length),
    order: new Uint16Array(length),
    isChosen: new Uint8Array(length),
  };
}

/** Sorts different positions of a sequence of `length` tokens, in place. */
function sorted(chosen: number[], length: number): number[] {
  const { isChosen } = scratch;
  isChosen.fill(0, 0, length);
  for (const position of chosen) isChosen[position] = 1;
  let numFound = 0;
  for (let position = 0; numFound < chosen.length; position++)
    if (isChosen[position] === 1) chosen[numFound++] = position;
  return chosen;
}

/** Predictions of a sequence of `length` tokens, special ones counted: at least 1, halves rounded to even. */
export function numPredictionsFor(
  length: number,
  { maskedLmRatio, maxPredictions }: ExampleSettings,
): number {
  return Math.min(maxPredictions, Math.max(1, roundHalfToEven(length * maskedLmRatio)));
}

function roundHalfToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  const roundsUp = rest > 0.5 || (rest === 0.5 && floor % 2 === 1);
  return roundsUp ? floor + 1 : floor;
}

function maskableWords(
  ids: TokenIds,
  continuations: Uint8Array | undefined,
  { clsId, sepId }: ExampleVocabulary,
): MaskableWords {
  if (ids.length > scratch.order.length) scratch = scratchFor(ids.length);
  const { positions, wordStarts } = scratch;
  let numPositions = 0;
  let numWords = 0;
  for (let position = 0; position < ids.length; position++) {
    const id = ids[position]!;
    if (id === clsId || id === sepId) continue;
    const continuesWord = numWords > 0 && continuations?.[position] === 1;
    if (!continuesWord) wordStarts[numWords++] = numPositions;
    positions[numPositions++] = position;
  }
  return {
    positions: positions.subarray(0, numPositions),
    wordStarts: wordStarts.subarray(0, numWords),
  };
}

function maskedId(id: number, { tokens, maskId }: ExampleVocabulary, random: RandomSource): number {
  if (random.random() < 0.8) return maskId;
  return random.random() < 0.5 ? id : random.randint(0, tokens.length - 1);
}
