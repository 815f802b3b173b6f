import type { MetricsLine } from '@berth/contracts';
import { tasks } from '@berth/contracts/constants';
import { expect, it } from 'vitest';
import { levelsOf } from './levels.ts';

const line: MetricsLine = {
  kind: 'eval',
  attempt: 1,
  step: 1,
  timeMs: 0,
  loss: 7,
  masked_lm_loss_unigram: 6.5,
  next_sentence_accuracy_majority: 0.55,
  numTokens: 1,
};

it('levels are those of the metric that the last evaluation has', () => {
  const of = (metric: string): unknown => levelsOf(tasks.pretraining, metric, line);
  expect(of('masked_lm_loss')).toEqual([{ label: 'unigram', value: 6.5 }]);
  expect(of('next_sentence_accuracy')).toEqual([{ label: 'majority', value: 0.55 }]);
  expect(of('loss')).toEqual([]);
  expect(levelsOf(tasks.pretraining, 'masked_lm_loss', null)).toEqual([]);
});
