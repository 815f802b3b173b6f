import { expect, it } from 'vitest';
import { mostMistaken, sharesOfRows } from './confusions.ts';
import { ticksOver } from './scatter-scale.ts';

const confusion = {
  classes: [0, 1, 2],
  counts: [
    [8, 2, 0],
    [0, 0, 0],
    [5, 1, 4],
  ],
  numLeftOut: 0,
};

it('names what is taken for what most often', () => {
  expect(mostMistaken(confusion, 2)).toEqual([
    { truth: 2, predicted: 0, count: 5, share: 0.5 },
    { truth: 0, predicted: 1, count: 2, share: 0.2 },
  ]);
});

it('gives shares of each row, none of an empty one', () => {
  expect(sharesOfRows(confusion)).toEqual([
    [0.8, 0.2, 0],
    [0, 0, 0],
    [0.5, 0.1, 0.4],
  ]);
});

it('finds round ticks around what was measured', () => {
  expect(ticksOver([0.3, 4.7])).toEqual([0, 1, 2, 3, 4, 5]);
  expect(ticksOver([-0.02, 0.07])).toEqual([-0.02, 0, 0.02, 0.04, 0.06, 0.08]);
  expect(ticksOver([3])).toEqual([2, 2.5, 3, 3.5, 4]);
  expect(ticksOver([]).length).toBeGreaterThan(1);
});
