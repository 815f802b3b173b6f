import type { FineTuning, ReadingSettings } from '@berth/contracts';
import { answerPredictor } from './answer-predictor.ts';
import type { Predictor, ReadingOptions } from './predictor.ts';
import { tagPredictor } from './tag-predictor.ts';
import { classesPredictor, classPredictor, valuePredictor } from './text-predictors.ts';

/** @param options.answers - how contexts are cut and answers chosen; by the defaults of a run file where left out */
export function createPredictor(
  fineTuning: FineTuning,
  options: ReadingOptions & { readonly answers: ReadingSettings },
): Predictor {
  switch (fineTuning.kind) {
    case 'classify':
      return classPredictor(fineTuning.labels, options);
    case 'classify-many':
      return classesPredictor(fineTuning.labels, options);
    case 'regress':
      return valuePredictor(options);
    case 'tag':
      return tagPredictor(fineTuning.labels, options);
    case 'answer':
      return answerPredictor(options, options.answers);
  }
}
