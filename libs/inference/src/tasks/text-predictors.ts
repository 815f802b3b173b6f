import type { Outputs, Prediction } from '@berth/contracts';
import { tokensOfTexts } from '@berth/data';
import type { Predictor, ReadingOptions } from './predictor.ts';
import { largest, logistic, shortest, softmax } from './probabilities.ts';

/** One class, by the softmax of the logits. */
export function classPredictor(labels: readonly string[], options: ReadingOptions): Predictor {
  return textPredictor(options, (logits) => ({
    label: labels[largest(logits)]!,
    probabilities: byLabel(labels, softmax(logits)),
  }));
}

/** Any of the classes: those that are likelier than not. */
export function classesPredictor(labels: readonly string[], options: ReadingOptions): Predictor {
  return textPredictor(options, (logits) => ({
    labels: labels.filter((_, number) => logits[number]! > 0),
    probabilities: byLabel(labels, logistic(logits)),
  }));
}

/** A number. */
export function valuePredictor(options: ReadingOptions): Predictor {
  return textPredictor(options, ([value]) => ({ value: shortest(value!) }));
}

function textPredictor(
  options: ReadingOptions,
  predictionOf: (logits: Float32Array) => Prediction,
): Predictor {
  return {
    reads: 'a text, or a text and its pair',
    read(input) {
      if (!('text' in input)) return undefined;
      const example = tokensOfTexts(options, input.text, input.pair);
      const predict = ([outputs]: readonly Outputs[]): Prediction =>
        predictionOf(outputs!['logits']!);
      return { examples: [example], isCut: example.isCut, predict };
    },
  };
}

function byLabel(labels: readonly string[], values: readonly number[]): Record<string, number> {
  return Object.fromEntries(labels.map((label, number) => [label, values[number]!]));
}
