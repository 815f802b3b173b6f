import type { Outputs, Prediction, ReadingSettings } from '@berth/contracts';
import {
  bestAnswer,
  createSpanTokenizer,
  defaultWindows,
  windowsOfQuestion,
  type AnswerWindow,
  type BestAnswerOptions,
} from '@berth/data';
import type { Predictor, ReadingOptions } from './predictor.ts';
import { shortest } from './probabilities.ts';

/** The best answer over all windows on a context, or none where that is more probable. */
export function answerPredictor(
  { tokenizer, doLowerCase, maxSeqLength }: ReadingOptions,
  { docStride, maxQueryLength, numBest, maxAnswerLength }: ReadingSettings,
): Predictor {
  const settings = {
    ...defaultWindows,
    ...(docStride !== undefined && { docStride }),
    ...(maxQueryLength !== undefined && { maxQueryLength }),
    tokenizer,
    maxSeqLength,
    tokenizeSpans: createSpanTokenizer(tokenizer.vocabulary, { doLowerCase }),
    isLabelled: false,
  };
  const choosing = {
    ...(numBest !== undefined && { numBest }),
    ...(maxAnswerLength !== undefined && { maxAnswerLength }),
  };
  return {
    reads: 'a question and its context',
    read(input) {
      if (!('question' in input)) return undefined;
      const place = { path: '', at: '' };
      const windows = windowsOfQuestion({ ...input, place, id: '', answers: [] }, settings);
      const predict = (outputs: readonly Outputs[]): Prediction =>
        predictionOf(input.context, windows, outputs, choosing);
      return { examples: windows, isCut: false, predict };
    },
  };
}

function predictionOf(
  context: string,
  windows: readonly AnswerWindow[],
  outputs: readonly Outputs[],
  choosing: Pick<BestAnswerOptions, 'maxAnswerLength' | 'numBest'>,
): Prediction {
  const none = { answer: '', start: 0, end: 0 };
  if (windows.length === 0) return { ...none, probability: 1, noAnswerProbability: 1 };
  const { text, candidates } = bestAnswer(
    windows.map((window, index) => ({
      window,
      starts: outputs[index]!['startLogits']!,
      ends: outputs[index]!['endLogits']!,
    })),
    { ...choosing, mayHaveNone: true },
  );
  const best = candidates.find((one) => one.text === text)!;
  const noAnswer = candidates.find((one) => one.text === '')!;
  const characters = (to: number): number => Array.from(context.slice(0, to)).length;
  return {
    answer: text,
    probability: shortest(best.probability),
    start: characters(best.start),
    end: characters(best.end),
    noAnswerProbability: shortest(noAnswer.probability),
  };
}
