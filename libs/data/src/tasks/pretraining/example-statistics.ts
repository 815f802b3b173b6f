import { columnOf, type ExamplesConfig, type ShownShare, type Task } from '@berth/contracts';
import type { ExampleMeter } from '../task-examples.ts';
import { numPredictionsFor } from './masking.ts';

/** Chances that a sound share leaves its band. */
const numDeviations = 4;
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
  let numRandom = 0;
  const read = { mask: 0, kept: 0, replaced: 0 };
  // Each sequence of a row has labels and predictions of its own.
  const hasRows = settings.sequencesPerRow > 1;
  const isPaired = !hasRows && task.columns.some(({ name }) => name === 'nextSentenceLabels');

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

  return {
    add(batch, length) {
      numExamples += 1;
      numTokens += length;
      numExpected += numPredictionsFor(length, settings);
      if (isPaired) numRandom += columnOf(batch, 'nextSentenceLabels')[0]!;
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
          label: 'fill: tokens of a sequence',
          value: numTokens / (numExamples * maxSeqLength),
          ...fillBand(maxSeqLength, isPaired),
        },
        ...(isPaired
          ? [
              {
                name: 'random_next',
                label: 'B from elsewhere',
                value: numRandom / numExamples,
                // Shorter ones are single sentences more often, as the text has it.
                ...(maxSeqLength >= 128 && {
                  low: 0.53,
                  high: 0.56,
                  source: `${ofRelease}: half, and single sentences`,
                }),
              },
            ]
          : []),
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
