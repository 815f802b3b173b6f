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
  const order = new Uint16Array(wordStarts.length);
  for (let word = 0; word < order.length; word++) order[word] = word;
  shuffle(order, random);

  const limit = numPredictionsFor(ids.length, settings);
  if (settings.masking === 'span') {
    const span = { ids, words, order, limit, vocabulary, random };
    return maskSpans(span).sort((a, b) => a - b);
  }
  const chosen: number[] = [];
  for (const word of order) {
    if (chosen.length >= limit) break;
    const start = wordStarts[word]!;
    const end = wordStarts[word + 1] ?? positions.length;
    if (chosen.length + end - start > limit) continue;
    for (let i = start; i < end; i++) {
      const position = positions[i]!;
      ids[position] = maskedId(ids[position]!, vocabulary, random);
      chosen.push(position);
    }
  }
  return chosen.sort((a, b) => a - b);
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
  const positions: number[] = [];
  const wordStarts: number[] = [];
  for (let position = 0; position < ids.length; position++) {
    const id = ids[position]!;
    if (id === clsId || id === sepId) continue;
    const continuesWord = wordStarts.length > 0 && continuations?.[position] === 1;
    if (!continuesWord) wordStarts.push(positions.length);
    positions.push(position);
  }
  return { positions, wordStarts };
}

function maskedId(id: number, { tokens, maskId }: ExampleVocabulary, random: RandomSource): number {
  if (random.random() < 0.8) return maskId;
  return random.random() < 0.5 ? id : random.randint(0, tokens.length - 1);
}
