import {
  BerthError,
  type PredictAnswer,
  type Prediction,
  type PredictionInput,
} from '@berth/contracts';
import { haveEntities, labelsOf, type FineTuning } from '@berth/contracts/constants';
import { uniform } from '../made-up-numbers.ts';
import type { SyntheticRun } from '../synthetic-run.ts';

/** What a fine-tuned model might say. */
export function madeUpPrediction(
  run: SyntheticRun,
  { inputs }: { readonly inputs: readonly PredictionInput[] },
): PredictAnswer {
  const { labelledData } = run;
  if (labelledData === undefined)
    throw new BerthError('MODEL_INPUT_INVALID', `${run.runId} is not fine-tuned`);
  const newest = run.checkpointReports().find(({ isAbandoned }) => !isAbandoned);
  const predictions = inputs.map((input) => predictionOf(labelledData.fineTuning, input));
  return { step: newest?.step ?? 0, predictions, numCut: 0 };
}

function predictionOf(fineTuning: FineTuning, input: PredictionInput): Prediction {
  const salt = JSON.stringify(input).length;
  const labels = labelsOf(fineTuning);
  switch (fineTuning.kind) {
    case 'classify': {
      const weights = labels.map((_, i) => uniform(salt, i) ** 8);
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      const probabilities = Object.fromEntries(
        labels.map((label, i) => [label, weights[i]! / total]),
      );
      const label = labels.toSorted((a, b) => probabilities[b]! - probabilities[a]!)[0]!;
      return { label, probabilities };
    }
    case 'classify-many': {
      const probabilities = Object.fromEntries(labels.map((label, i) => [label, uniform(salt, i)]));
      return { labels: labels.filter((label) => probabilities[label]! > 0.5), probabilities };
    }
    case 'regress':
      return { value: 5 * uniform(salt, 0) };
    case 'tag': {
      const words = 'words' in input ? input.words : [];
      const tags = words.map((word) => (/^\p{Lu}/u.test(word) ? 'B-PER' : 'O'));
      const entities = words.flatMap((word, start) =>
        tags[start] === 'O' ? [] : [{ type: 'PER', text: word, start, end: start + 1 }],
      );
      const probabilities = words.map((_, i) => 0.7 + 0.3 * uniform(salt, i));
      return { words, tags, probabilities, ...(haveEntities(labels) && { entities }) };
    }
    case 'answer': {
      const context = 'context' in input ? Array.from(input.context) : [];
      const start = Math.floor(context.length / 3);
      const end = Math.min(context.length, start + 12);
      const answer = context.slice(start, end).join('');
      return { answer, probability: 0.63, noAnswerProbability: 0.08, start, end };
    }
  }
}
