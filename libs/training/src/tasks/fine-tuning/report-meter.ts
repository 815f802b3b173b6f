import type { ExampleBatch, FineTuning, FineTuningReport, Outputs } from '@berth/contracts';
import type { BestAnswerOptions, HeldOutRow } from '@berth/data';
import { answerMeter } from './answer-meter.ts';
import { classifyManyMeter } from './classify-many-meter.ts';
import { classifyMeter } from './classify-meter.ts';
import { regressMeter } from './regress-meter.ts';
import { tagMeter } from './tag-meter.ts';

/** Makes a report of what a model says of held-out examples. Batches may come in any order, each example once. */
export interface ReportMeter {
  /**
   * @param outputs - of the task's head for the batch
   * @param examples - the batch's, by their numbers among all held-out ones
   * @throws BerthError `INTERNAL` when they are of another task, or there is no such example
   */
  add(batch: ExampleBatch, outputs: Outputs, examples: readonly number[]): void;
  report(): FineTuningReport;
}

/** How answers are chosen where there are some. */
export type AnswerSettings = Pick<BestAnswerOptions, 'numBest' | 'maxAnswerLength'>;

/** @param rows - of all held-out examples, in their order */
export function createReportMeter(
  fineTuning: FineTuning,
  rows: readonly HeldOutRow[],
  settings: AnswerSettings = {},
): ReportMeter {
  switch (fineTuning.kind) {
    case 'classify':
      return classifyMeter(fineTuning, rows);
    case 'classify-many':
      return classifyManyMeter(fineTuning, rows);
    case 'regress':
      return regressMeter(fineTuning, rows);
    case 'tag':
      return tagMeter(fineTuning, rows);
    case 'answer':
      return answerMeter(fineTuning, rows, settings);
  }
}
