import {
  columnOf,
  type ExampleBatch,
  type ExamplesConfig,
  type ShownShare,
  type Task,
} from '@berth/contracts';
import type { ExampleMeter } from '../task-examples.ts';
import { numPredictionsFor } from './masking.ts';

/** Chances that a sound share leaves its band. */
const numDeviations = 4;
/** Of the longest, a pair that was not cut short: what a document that drew a short length has is single sentences, and many. */
const fullRatio = 0.75;
const ofRelease = "create_pretraining_data.py's, on real text";

/** What the examples of a shard come to, and the bands of sound ones. */
export function measureExamples(
  task: Task,
  settings: ExamplesConfig,
  maskId: number,
): ExampleMeter {
  const { maxSeqLength, masking } = settings;
  let numExamples = 0;
  let numTokens = 0;
  let numPredictions = 0;
  let numExpected = 0;
  let numPairs = 0;
  let numRandom = 0;
  const read = { mask: 0, kept: 0, replaced: 0 };
  // Each sequence of a row has labels and predictions of its own.
  const hasRows = settings.sequencesPerRow > 1;
  const isPaired = task.columns.some(({ name }) => name === 'nextSentenceLabels');

  const shareOf = (name: keyof typeof read, label: string, expected: number): ShownShare => {
    const deviation = Math.sqrt((expected * (1 - expected)) / Math.max(1, numPredictions));
    return {
      name: `masked_${name}`,
      label,
      value: read[name] / Math.max(1, numPredictions),
      low: Math.max(0, expected - numDeviations * deviation),
      high: Math.min(1, expected + numDeviations * deviation),
      source: `${100 * expected} % give or take chance`,
    };
  };

  const randomNextShare = (): ShownShare => {
    const chance = numDeviations * Math.sqrt(0.25 / Math.max(1, numPairs));
    return {
      name: 'random_next',
      label: 'B from elsewhere, of long pairs',
      value: numRandom / Math.max(1, numPairs),
      // Shorter ones are single sentences more often, as the text has it.
      ...(maxSeqLength >= 128 && {
        low: Math.max(0, 0.5 - chance),
        high: Math.min(1, 0.53 + chance),
        source: 'half and single sentences, give or take chance',
      }),
    };
  };
  const lengthsOfPairs = (batch: ExampleBatch, length: number): number[] => {
    if (!hasRows) return [length];
    const numOfRow = columnOf(batch, 'nextSentenceWeights').filter((weight) => weight > 0).length;
    const starts = Array.from(columnOf(batch, 'sequenceStarts').subarray(0, numOfRow));
    return starts.map((start, pair) => (starts[pair + 1] ?? length) - start);
  };

  return {
    add(batch, length) {
      numExamples += 1;
      numTokens += length;
      numExpected += numPredictionsFor(length, settings);
      if (isPaired) {
        const random = columnOf(batch, 'nextSentenceLabels');
        for (const [pair, numOfPair] of lengthsOfPairs(batch, length).entries()) {
          if (numOfPair < fullRatio * maxSeqLength) continue;
          numPairs += 1;
          numRandom += random[pair]!;
        }
      }
      const ids = columnOf(batch, 'inputIds');
      const positions = columnOf(batch, 'maskedPositions');
      const labels = columnOf(batch, 'maskedIds');
      for (const [slot, weight] of columnOf(batch, 'maskedWeights').entries()) {
        if (weight === 0) continue;
        numPredictions += 1;
        const id = ids[positions[slot]!]!;
        read[id === maskId ? 'mask' : id === labels[slot] ? 'kept' : 'replaced'] += 1;
      }
    },
    shares() {
      if (numExamples === 0) return [];
      const expected = numExpected / numExamples;
      return [
        {
          name: 'fill',
          label: hasRows ? 'fill: tokens of a row' : 'fill: tokens of a sequence',
          value: numTokens / (numExamples * maxSeqLength),
          ...fillBand(maxSeqLength, isPaired && !hasRows),
        },
        ...(isPaired ? [randomNextShare()] : []),
        {
          name: 'predictions',
          label: 'predictions of an example',
          value: numPredictions / numExamples,
          // A word or span that would overshoot is left out.
          ...(!hasRows && {
            low: expected * (masking === 'token' ? 0.999 : 0.95),
            high: expected * 1.001,
            source: `${settings.maskedLmRatio} of the tokens, at most ${settings.maxPredictions}`,
          }),
        },
        shareOf('mask', 'of these read as [MASK]', 0.8),
        shareOf('kept', 'as they are', 0.1),
        shareOf('replaced', 'as any other token', 0.1),
      ];
    },
  };
}

/** Measured with the release's generator on real text; others depend too much on the text. */
function fillBand(
  maxSeqLength: number,
  isPaired: boolean,
): Pick<ShownShare, 'low' | 'high' | 'source'> {
  if (!isPaired) return {};
  if (maxSeqLength === 128) return { low: 0.9, high: 0.98, source: `${ofRelease}: 0.944` };
  if (maxSeqLength === 512) return { low: 0.7, high: 0.85, source: `${ofRelease}: 0.76 to 0.79` };
  return {};
}
