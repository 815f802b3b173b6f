import type { GridReport } from '@berth/contracts';
import { expect, it } from 'vitest';
import { gridText, valuesText } from './grid-table.ts';

const pointOf = (point: number, rate: number, seed: number, value: number) => ({
  runId: `g-${point}`,
  point,
  values: { 'optimizer.learningRate': rate, seed },
  status: 'completed' as const,
  reason: 'trained 60 steps',
  step: 60,
  numSteps: 60,
  etaMs: null,
  best: { step: 40, value, loss: 1 - value },
});
const report: GridReport = {
  name: 'g',
  paths: ['optimizer.learningRate', 'seed'],
  metric: { name: 'classify_accuracy', label: 'Accuracy', isMoreBetter: true },
  points: [pointOf(1, 2e-5, 1, 0.8), pointOf(2, 2e-5, 2, 0.9), pointOf(3, 5e-5, 1, 0.91)],
  numCompleted: 3,
  isOver: true,
  combinations: [
    {
      values: { 'optimizer.learningRate': 2e-5 },
      points: [1, 2],
      numValues: 2,
      mean: 0.85,
      spread: 0.0707,
      meanLoss: 0.15,
    },
    {
      values: { 'optimizer.learningRate': 5e-5 },
      points: [3],
      numValues: 1,
      mean: 0.91,
      spread: null,
      meanLoss: 0.09,
    },
  ],
  bestCombination: 1,
  bestPoint: 3,
  createdAtMs: 1,
};
const options = { berth: 'berth', isAtRest: false, isFineTuned: true };

it('shows each run, the means over seeds, the best, and what to type next', () => {
  expect(gridText(report, options)).toBe(
    `g: 3 of 3 runs completed; the best is named by classify_accuracy (more is better)

run  optimizer.learningRate  seed  status     step   best at  classify_accuracy  loss
g-1  2e-5                    1     completed  60/60  40       0.8000             0.2000
g-2  2e-5                    2     completed  60/60  40       0.9000             0.1000
g-3  5e-5                    1     completed  60/60  40       0.9100             0.0900  <- best run

optimizer.learningRate  mean classify_accuracy  spread  runs  mean loss
2e-5                    0.8500                  0.0707  2/2   0.1500
5e-5                    0.9100                  -       1/1   0.0900     <- best

best: optimizer.learningRate 5e-5; mean classify_accuracy 0.9100, of 1 run
best run: g-3, classify_accuracy 0.9100, held-out loss 0.0900 at step 40

next:
  berth export g-3@40 --to g-3-bert
  berth predict g-3@40 <rows>`,
  );
});

it('says how to go on where not all are completed', () => {
  const [first] = report.points;
  const resting = { ...first!, status: 'stopped' as const, step: 0, best: null };
  const text = gridText(
    { ...report, points: [resting], numCompleted: 0, bestPoint: null, bestCombination: null },
    options,
  );
  expect(text).toMatch(/\ng-1 .* stopped +- +- +- +-\n/);
  expect(text).toContain('next:\n  berth resume g   # those that are not completed');
});

it('writes values as people do', () => {
  const values = { a: 0.00002, b: 'wsd', c: null, d: true, e: { x: 1 }, f: 0.5, g: 0 };
  expect(valuesText(values)).toBe('a 2e-5, b wsd, c unset, d true, e {"x":1}, f 0.5, g 0');
});
