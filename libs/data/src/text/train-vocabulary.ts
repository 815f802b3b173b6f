import { BerthError, sha256Hex, type VocabularyConfig } from '@berth/contracts';
import { collectAlphabet } from './alphabet.ts';
import { mergePairs } from './merge-pairs.ts';
import { createVocabulary, specialTokens, type Vocabulary } from './vocabulary.ts';
import type { WordCounts } from './word-counts.ts';
import { inTurns, type Work } from './work.ts';

export type TrainOptions = Pick<VocabularyConfig, 'size' | 'minFrequency'>;

/**
 * A WordPiece vocabulary of exactly `size` entries: the special tokens, the alphabet by code point, then the pieces
 * of {@link mergePairs} in the order made. The alphabet takes at most half of the entries, its most frequent pieces;
 * the others come last, when merging leaves room for them. The result is a function of the counts alone.
 *
 * @throws BerthError DATA_VOCABULARY_TOO_LARGE when the text does not support `size` entries, and the reason of `signal`
 */
export async function trainVocabulary(
  counts: WordCounts,
  options: TrainOptions,
  signal?: AbortSignal,
): Promise<Vocabulary> {
  return await inTurns(trainingVocabulary(counts, options), signal);
}

function* trainingVocabulary(
  counts: WordCounts,
  { size, minFrequency }: TrainOptions,
): Work<Vocabulary> {
  const alphabet = yield* collectAlphabet(counts);
  const maxAlphabet = size >> 1;
  const kept = new Set(alphabet.byFrequency.slice(0, maxAlphabet));
  const tokens: string[] = [
    ...specialTokens,
    ...alphabet.pieces.filter((piece) => kept.has(piece)),
  ];

  for (const piece of mergePairs(counts, alphabet.pieces, minFrequency)) {
    if (tokens.length >= size) break;
    if (piece !== undefined) tokens.push(piece);
    yield;
  }
  tokens.push(...alphabet.byFrequency.slice(maxAlphabet, maxAlphabet + size - tokens.length));

  if (tokens.length < size) throw tooLarge(size, tokens.length, minFrequency);
  return createVocabulary(tokens, 'the trained vocabulary');
}

/**
 * Names the vocabulary that is trained or extended from stored counts with these options: who finds one of that name
 * need not make it.
 * @param options - all that it depends on besides; bytes by their digest
 */
export function madeVocabularyId(
  counts: Uint8Array,
  options: Readonly<Record<string, string | number>>,
): string {
  const sorted = Object.entries(options).sort(([a], [b]) => (a < b ? -1 : 1));
  return sha256Hex(JSON.stringify(['berth-vocabulary/1', sha256Hex(counts), sorted]));
}

function tooLarge(size: number, supportedSize: number, minFrequency: number): BerthError {
  const orRarer = minFrequency > 1 ? `, set vocabulary.minFrequency below ${minFrequency}` : '';
  return new BerthError(
    'DATA_VOCABULARY_TOO_LARGE',
    `the text supports a vocabulary of ${supportedSize} entries, not ${size}: ` +
      `set vocabulary.size to ${supportedSize} or less${orRarer}, or add text`,
    { details: { size, supportedSize, minFrequency } },
  );
}
