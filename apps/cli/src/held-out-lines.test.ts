import { tasks, type MetricsLine } from '@berth/contracts';
import { expect, it } from 'vitest';
import { heldOutLines } from './held-out-lines.ts';

const line: MetricsLine = {
  kind: 'eval',
  attempt: 1,
  step: 800,
  timeMs: 0,
  loss: 3.43,
  masked_lm_loss: 2.804,
  masked_lm_accuracy: 0.353,
  next_sentence_loss: 0.626,
  next_sentence_accuracy: 0.668,
  numTokens: 1,
};

it('says of each metric what says nothing', () => {
  const measured = { ...line, masked_lm_loss_unigram: 4.941, masked_lm_loss_copy: 4.512 };
  expect(heldOutLines(tasks.pretraining, measured)).toEqual([
    'masked_lm_loss          2.804  (unigram 4.941, copy 4.512)',
    'masked_lm_accuracy      0.353',
    'next_sentence_loss      0.626',
    'next_sentence_accuracy  0.668',
  ]);
});

it('says no more than an evaluation of an earlier release has', () => {
  expect(heldOutLines(tasks.pretraining, line)[0]).toBe('masked_lm_loss          2.804');
});
