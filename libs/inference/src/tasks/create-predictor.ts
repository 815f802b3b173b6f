import type { FineTuning } from '@berth/contracts';
import { answerPredictor, type AnswerSettings } from './answer-predictor.ts';
import type { Predictor, ReadingOptions } from './predictor.ts';
import { tagPredictor } from './tag-predictor.ts';
import { classesPredictor, classPredictor, valuePredictor } from './text-predictors.ts';

/** @param answers - as the model was trained; the defaults of a run file where left out */
export function createPredictor(
  fineTuning: FineTuning,
  options: ReadingOptions & { readonly answers?: AnswerSettings | undefined },
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
