import type { Outputs, Prediction } from '@berth/contracts';
import { tokensOfWords } from '@berth/data';
import { entitiesOf } from '@berth/metrics';
import type { Predictor, ReadingOptions } from './predictor.ts';
import { largest, softmax } from './probabilities.ts';

/** Tags that say where an entity begins and ends, in any scheme. */
const schemeTag = /^(O|[BIES]-.+)$/;

/** A tag for each word, by what the model says of its first piece; and the entities that the tags make. */
export function tagPredictor(labels: readonly string[], options: ReadingOptions): Predictor {
  const isScheme = labels.every((label) => schemeTag.test(label));
  const numLabels = labels.length;

  function predictionOf(
    words: readonly string[],
    positions: readonly number[],
    logits: Float32Array,
  ): Prediction {
    const chosen = positions.map((position) => {
      if (position < 0) return { tag: null, probability: null };
      const ofWord = softmax(logits.subarray(position * numLabels, (position + 1) * numLabels));
      const number = largest(ofWord);
      return { tag: labels[number]!, probability: ofWord[number]! };
    });
    const tags = chosen.map(({ tag }) => tag);
    return {
      words: [...words],
      tags,
      probabilities: chosen.map(({ probability }) => probability),
      ...(isScheme && {
        entities: entitiesOf(tags.map((tag) => tag ?? 'O')).map(({ type, start, end }) => ({
          type,
          text: words.slice(start, end).join(' '),
          start,
          end,
        })),
      }),
    };
  }

  return {
    reads: 'words',
    read(input) {
      if (!('words' in input)) return undefined;
      const { words } = input;
      const example = tokensOfWords(options, words);
      const predict = ([outputs]: readonly Outputs[]): Prediction =>
        predictionOf(words, example.positions, outputs!['logits']!);
      return { examples: [example], isCut: example.isCut, predict };
    },
  };
}
