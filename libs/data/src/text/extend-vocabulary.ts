import { BerthError, type VocabularyExtension } from '@berth/contracts';
import { unusedEntry } from './old-entries.ts';
import { createVocabulary, type Vocabulary } from './vocabulary.ts';
import type { WordCounts } from './word-counts.ts';
import { createWordPiece } from './wordpiece.ts';
import { inTurns, type Work } from './work.ts';

export interface ExtendOptions {
  readonly numPieces: number;
  /** Rarer words are not added. */
  readonly minFrequency: number;
}

const wordsBetweenPauses = 1 << 12;
/** Beyond twice those that are taken, that are in memory at a time. */
const moreCandidates = 1 << 14;

/** A word that the vocabulary lacks, and how many pieces less the text has with it. */
interface Candidate {
  readonly word: string;
  readonly gain: number;
}

function byGain(a: Candidate, b: Candidate): number {
  return b.gain - a.gain || (a.word < b.word ? -1 : 1);
}

/**
 * A vocabulary with the words that a text needs most: those that save the most pieces, were each to be one; a word that is [UNK]
 * counts as if it were spelt. Of equal ones the first by code unit. They take the places of [unusedN] entries, then come
 * last; all other entries keep their ids. Whole words, because joining pairs of pieces leaves half-words behind that take places and
 * are hardly used: on two texts it saved less with as many entries, and left more [UNK].
 * @throws BerthError `DATA_VOCABULARY_TOO_LARGE` when the text has fewer such words
 */
export async function extendVocabulary(
  vocabulary: Vocabulary,
  counts: WordCounts,
  options: ExtendOptions,
  signal?: AbortSignal,
): Promise<Vocabulary> {
  return await inTurns(extendingVocabulary(vocabulary, counts, options), signal);
}

function* extendingVocabulary(
  vocabulary: Vocabulary,
  counts: WordCounts,
  { numPieces, minFrequency }: ExtendOptions,
): Work<Vocabulary> {
  const wordPiece = createWordPiece(vocabulary);
  let candidates: Candidate[] = [];
  let numWords = 0;
  let numSupported = 0;
  for (const [word, count] of counts) {
    numWords += 1;
    if (numWords % wordsBetweenPauses === 0) yield;
    const ids: number[] = [];
    wordPiece(word, ids);
    const numNow = ids[0] === vocabulary.unkId ? Array.from(word).length + 1 : ids.length;
    if (numNow <= 1 || count < minFrequency) continue;
    numSupported += 1;
    candidates.push({ word, gain: count * (numNow - 1) });
    if (candidates.length >= 2 * numPieces + moreCandidates)
      candidates = candidates.sort(byGain).slice(0, numPieces);
  }
  if (numSupported < numPieces) throw tooMany(numPieces, numSupported, minFrequency);
  const words = candidates
    .sort(byGain)
    .slice(0, numPieces)
    .map(({ word }) => word);
  const tokens = vocabulary.tokens.map((token) =>
    unusedEntry.test(token) ? (words.shift() ?? token) : token,
  );
  return createVocabulary([...tokens, ...words], 'the extended vocabulary');
}

/** What a vocabulary makes of the words of a text. */
export async function measurePieces(
  vocabulary: Vocabulary,
  counts: WordCounts,
): Promise<VocabularyExtension['before']> {
  return await inTurns(measuringPieces(vocabulary, counts));
}

function* measuringPieces(
  vocabulary: Vocabulary,
  counts: WordCounts,
): Work<VocabularyExtension['before']> {
  const wordPiece = createWordPiece(vocabulary);
  const found = { numTokens: 0, numUnknownTokens: 0 };
  let numWords = 0;
  for (const [word, count] of counts) {
    numWords += 1;
    if (numWords % wordsBetweenPauses === 0) yield;
    const ids: number[] = [];
    wordPiece(word, ids);
    found.numTokens += count * ids.length;
    if (ids[0] === vocabulary.unkId) found.numUnknownTokens += count;
  }
  return found;
}

function tooMany(numPieces: number, numSupported: number, minFrequency: number): BerthError {
  const orRarer = minFrequency > 1 ? `, set vocabulary.minFrequency below ${minFrequency}` : '';
  return new BerthError(
    'DATA_VOCABULARY_TOO_LARGE',
    `the text has ${numSupported} words that the vocabulary lacks and that occur ${minFrequency} times or more, not ${numPieces}: ` +
      `set vocabulary.extend to ${numSupported} or less${orRarer}, or add text`,
    { details: { numPieces, numSupported, minFrequency } },
  );
}
