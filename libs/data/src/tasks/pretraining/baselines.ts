import { columnOf, type ExampleBatch } from '@berth/contracts';
import type { TextStatistics } from '../../dataset/text-statistics.ts';
import type { BaselineMeter } from '../task-examples.ts';

/**
 * What predictors reach that have learnt nothing of language:
 *
 * - unigram: each token by its share of the training text, p = (count + 1) / (tokens + V)
 * - copy: the same, but sees the token at its own place. Where that is not [MASK] it is the original with 10 %, any of V with
 *   10 % / V, so by Bayes it is the original with probability q = p / (p + 1 / V)
 * - majority: always the most frequent token; for the next sentence the more frequent label of these very examples
 */
export function pretrainingBaselines(statistics: TextStatistics | undefined): BaselineMeter {
  const predictor = statistics && tokenPredictor(statistics);
  const sums = { weight: 0, unigram: 0, copy: 0, majorityHits: 0, copyHits: 0 };
  let numPairs = 0;
  let numRandomNext = 0;
  return {
    add(batch) {
      const { nextSentenceLabels = [], nextSentenceWeights } = batch.columns;
      for (const [pair, label] of nextSentenceLabels.entries()) {
        const weight = nextSentenceWeights?.[pair] ?? 1;
        numPairs += weight;
        numRandomNext += weight * label;
      }
      if (predictor === undefined) return;
      for (const { shown, label, weight } of maskedTokens(batch)) {
        const { unigram, copy, guess, copyGuess } = predictor(shown, label);
        sums.weight += weight;
        sums.unigram += weight * unigram;
        sums.copy += weight * copy;
        if (label === guess) sums.majorityHits += weight;
        if (label === copyGuess) sums.copyHits += weight;
      }
    },
    values() {
      const share = numRandomNext / numPairs;
      return {
        ...(sums.weight > 0 && {
          masked_lm_loss_unigram: sums.unigram / sums.weight,
          masked_lm_loss_copy: sums.copy / sums.weight,
          masked_lm_accuracy_majority: sums.majorityHits / sums.weight,
          masked_lm_accuracy_copy: sums.copyHits / sums.weight,
        }),
        ...(numPairs > 0 && {
          next_sentence_loss_majority: surprise(share) + surprise(1 - share),
          next_sentence_accuracy_majority: Math.max(share, 1 - share),
        }),
      };
    },
  };
}

interface Prediction {
  /** -ln of the probability that each gives to the label. */
  readonly unigram: number;
  readonly copy: number;
  /** The likeliest token to each. */
  readonly guess: number;
  readonly copyGuess: number;
}

function tokenPredictor({
  tokenCounts,
  maskId,
}: TextStatistics): (shown: number, label: number) => Prediction {
  const numEntries = tokenCounts.length;
  const total = tokenCounts.reduce((sum, count) => sum + count, numEntries);
  const shareOf = (id: number): number => ((tokenCounts[id] ?? 0) + 1) / total;
  let guess = 0;
  for (let id = 1; id < numEntries; id++) if (shareOf(id) > shareOf(guess)) guess = id;
  return (shown, label) => {
    const ofLabel = shareOf(label);
    const ofShown = shareOf(shown);
    const isKept = shown === maskId ? 0 : ofShown / (ofShown + 1 / numEntries);
    const copyOf = (id: number): number => (id === shown ? isKept : 0) + (1 - isKept) * shareOf(id);
    return {
      unigram: -Math.log(ofLabel),
      copy: -Math.log(copyOf(label)),
      guess,
      copyGuess: copyOf(shown) > copyOf(guess) ? shown : guess,
    };
  };
}

function* maskedTokens(
  batch: ExampleBatch,
): Generator<{ readonly shown: number; readonly label: number; readonly weight: number }> {
  const inputIds = columnOf(batch, 'inputIds');
  const positions = columnOf(batch, 'maskedPositions');
  const labels = columnOf(batch, 'maskedIds');
  const numSlots = positions.length / batch.batchSize;
  for (const [slot, weight] of columnOf(batch, 'maskedWeights').entries()) {
    if (weight === 0) continue;
    const row = Math.floor(slot / numSlots);
    const shown = inputIds[row * batch.seqLength + positions[slot]!]!;
    yield { shown, label: labels[slot]!, weight };
  }
}

/** -p ln p */
function surprise(share: number): number {
  return share === 0 ? 0 : -share * Math.log(share);
}
