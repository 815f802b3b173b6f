import { tasks, type MetricsLine } from '@berth/contracts';
import { expect, it } from 'vitest';
import { heldOutCurve } from './held-out-curve.ts';

const [metric] = tasks.pretraining.metrics;
const evalOf = (step: number, masked_lm_loss: number): MetricsLine => ({
  kind: 'eval',
  attempt: 1,
  step,
  timeMs: 0,
  loss: 1,
  masked_lm_loss,
  masked_lm_loss_unigram: 6,
  masked_lm_loss_copy: 5,
  numTokens: 1,
});

it('draws bars with a mark at each baseline', () => {
  expect(heldOutCurve(tasks.pretraining, metric!, [evalOf(0, 8), evalOf(1000, 4)])).toEqual([
    'Masked LM loss, held-out; ┊ is what knowing nothing reaches: unigram 6.000, copy 5.000',
    `  step     0  8.000  ${'█'.repeat(30)}┊${'█'.repeat(5)}┊${'█'.repeat(11)}`,
    `  step 1,000  4.000  ${'█'.repeat(24)}${' '.repeat(6)}┊${' '.repeat(5)}┊`,
  ]);
});

it('shows the first, the last and some between of many', () => {
  const evals = Array.from({ length: 100 }, (_, step) => evalOf(step, 8));
  const rows = heldOutCurve(tasks.pretraining, metric!, evals).slice(1);
  expect(rows).toHaveLength(12);
  expect(rows[0]).toContain('step     0');
  expect(rows.at(-1)).toContain('step    99');
});

it('draws nothing where nothing was evaluated', () => {
  expect(heldOutCurve(tasks.pretraining, metric!, [])).toEqual([]);
});
