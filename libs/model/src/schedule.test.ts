import { describe, expect, it } from 'vitest';
import { learningRateAt, type ScheduleConfig } from './schedule.ts';

const peak = 1e-4;
const numSteps = 100_000;

function rate(schedule: ScheduleConfig['schedule'], step: number, numWarmupSteps = 10_000): number {
  return learningRateAt({ learningRate: peak, numWarmupSteps, schedule }, numSteps, step);
}

describe('learning rate', () => {
  it.each(['google', 'linear', 'constant'] as const)('of %s warms up from 0', (schedule) => {
    expect(rate(schedule, 0)).toBe(0);
    expect(rate(schedule, 5000)).toBeCloseTo(peak / 2, 15);
    expect(rate(schedule, 9999)).toBeCloseTo(peak * 0.9999, 15);
    expect(rate(schedule, 0, 0)).toBe(peak);
  });

  it.each([
    ['google', 0.9, 0.5, 0],
    ['linear', 1, 50 / 90, 0],
    ['constant', 1, 1, 1],
  ] as const)(
    'of %s is %d, %d and %d of the peak at w, T/2 and T',
    (schedule, atW, atHalf, atT) => {
      expect(rate(schedule, 10_000)).toBeCloseTo(peak * atW, 15);
      expect(rate(schedule, 50_000)).toBeCloseTo(peak * atHalf, 15);
      expect(rate(schedule, numSteps)).toBe(peak * atT);
    },
  );

  it('is finite when warm-up takes all steps', () => {
    expect(rate('linear', numSteps, numSteps)).toBe(0);
    expect(rate('linear', numSteps - 1, numSteps)).toBeCloseTo(peak * (1 - 1e-5), 15);
  });
});
