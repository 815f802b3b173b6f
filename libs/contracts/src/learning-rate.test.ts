import { describe, expect, it } from 'vitest';
import {
  decayStartOf,
  firstOtherRate,
  learningRateAt,
  milestonesOf,
  type ScheduleConfig,
} from './learning-rate.ts';

const peak = 1e-4;
const numSteps = 100_000;

function rate(schedule: ScheduleConfig['schedule'], step: number, numWarmupSteps = 10_000): number {
  return learningRateAt({ learningRate: peak, numWarmupSteps, schedule }, numSteps, step);
}

describe('learning rate', () => {
  it.each(['google', 'linear', 'constant', 'cosine', 'wsd', 'square-root'] as const)(
    'of %s warms up from 0',
    (schedule) => {
      expect(rate(schedule, 0)).toBe(0);
      expect(rate(schedule, 5000)).toBeCloseTo(peak / 2, 15);
      expect(rate(schedule, 9999)).toBeCloseTo(peak * 0.9999, 15);
      expect(rate(schedule, 0, 0)).toBe(peak);
    },
  );

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

/** `get_*_schedule` of transformers 4.57.6 after so many updates: 100 of them, 10 of warm-up, 20 of decay. */
const hfSteps = [0, 5, 9, 10, 11, 37, 50, 79, 80, 81, 90, 99];
const hf = {
  linear: [
    0, 0.5, 0.9, 1, 0.9888888888888889, 0.7, 0.5555555555555556, 0.23333333333333334,
    0.2222222222222222, 0.2111111111111111, 0.1111111111111111, 0.011111111111111112,
  ],
  constant: [0, 0.5, 0.9, 1, 1, 1, 1, 1, 1, 1, 1, 1],
  cosine: [
    0, 0.5, 0.9, 1, 0.9996954135095479, 0.7938926261462366, 0.5868240888334653, 0.12842758726130282,
    0.11697777844051105, 0.10599462319663905, 0.03015368960704584, 0.00030458649045211894,
  ],
  'square-root': [
    0, 0.5, 0.9, 1, 0.9534625892455922, 0.5198752449100363, 0.4472135954999579, 0.35578403348241,
    0.35355339059327373, 0.35136418446315326, 0.3333333333333333, 0.3178208630818641,
  ],
} as const;
const hfDecays = {
  linear: [0, 0.5, 0.9, 1, 1, 1, 1, 1, 1, 0.95, 0.5, 0.050000000000000044],
  '1-sqrt': [
    0, 0.5, 0.9, 1, 1, 1, 1, 1, 1, 0.7763932022500211, 0.2928932188134524, 0.025320565519103666,
  ],
} as const;

function sharesOf(
  config: Omit<ScheduleConfig, 'learningRate'>,
  steps: readonly number[],
): number[] {
  return steps.map((step) => learningRateAt({ ...config, learningRate: 1 }, 100, step));
}

/** To 14 digits: the same formula may be computed in another order. */
function rounded(shares: readonly number[]): string[] {
  return shares.map((share) => share.toFixed(14));
}

describe("Hugging Face's schedules", () => {
  it.each(Object.keys(hf) as (keyof typeof hf)[])('%s', (schedule) => {
    expect(rounded(sharesOf({ schedule, numWarmupSteps: 10 }, hfSteps))).toEqual(
      rounded(hf[schedule]),
    );
  });

  it.each(Object.keys(hfDecays) as (keyof typeof hfDecays)[])('wsd, %s', (decayShape) => {
    const config = { schedule: 'wsd', numWarmupSteps: 10, numDecaySteps: 20, decayShape } as const;
    expect(rounded(sharesOf(config, hfSteps))).toEqual(rounded(hfDecays[decayShape]));
  });

  it('square-root without warm-up', () => {
    const config = { schedule: 'square-root', numWarmupSteps: 0 } as const;
    const expected = [1, 0.9999500037496877, 0.9950864531349993, 0.7071067811865475, 0.5];
    expect(rounded(sharesOf(config, [0, 1, 99, 10_000, 30_000]))).toEqual(rounded(expected));
  });
});

describe('the decay of wsd', () => {
  const plan = (numSteps: number, optimizer: Partial<ScheduleConfig> = {}) => ({
    optimizer: { learningRate: peak, numWarmupSteps: 5, schedule: 'wsd' as const, ...optimizer },
    train: { numSteps },
  });

  it('is a tenth of the run, where nobody says more, and no longer than warm-up leaves', () => {
    expect(decayStartOf(plan(95))).toBe(85);
    expect(decayStartOf(plan(100, { numDecaySteps: 40 }))).toBe(60);
    expect(decayStartOf(plan(5))).toBeUndefined();
    expect(decayStartOf(plan(100, { schedule: 'constant' }))).toBeUndefined();
  });

  it('begins at a milestone', () => {
    expect(milestonesOf(plan(100))).toEqual([90]);
    expect(milestonesOf(plan(100, { schedule: 'google' }))).toEqual([]);
  });

  it('is what a longer run has another rate from', () => {
    expect(firstOtherRate(plan(100), plan(200), 91)).toBeUndefined();
    expect(firstOtherRate(plan(100), plan(200), 100)).toBe(91);
    const decayed = plan(200, { numDecaySteps: 50 });
    expect(firstOtherRate(plan(100, { schedule: 'constant' }), decayed, 100)).toBeUndefined();
  });

  it.each(['google', 'linear', 'cosine'] as const)('has no like in %s', (schedule) => {
    const differsAt = firstOtherRate(plan(100, { schedule }), plan(200, { schedule }), 100);
    expect(differsAt).toBeLessThan(10);
  });
});
