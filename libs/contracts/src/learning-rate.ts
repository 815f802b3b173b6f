import type { OptimizerConfig } from './run-config.ts';

/** What a learning rate depends on, besides the steps of the run. */
export type ScheduleConfig = Pick<
  OptimizerConfig,
  'learningRate' | 'numWarmupSteps' | 'schedule' | 'numDecaySteps' | 'decayShape'
>;

/** Over how many steps a rate without warm-up falls by the square root, as Hugging Face has it. */
const squareRootTimescale = 10_000;
/** The share of a run that decays, where the run file does not say. */
const decayRatio = 0.1;

/** Updates of the decay that ends a run: those of `wsd`; of the others the last part is none of its own. */
export function numDecayStepsOf(
  { schedule, numDecaySteps, numWarmupSteps }: ScheduleConfig,
  numSteps: number,
): number {
  if (schedule !== 'wsd') return 0;
  return numDecaySteps ?? Math.min(Math.ceil(decayRatio * numSteps), numSteps - numWarmupSteps);
}

/**
 * The learning rate of the update after `step` updates (docs/bert.md#learning-rate). Warm-up grows linearly from 0, so with
 * warm-up the first update only moves the moments. What comes then, as a share of the peak, is the schedule's.
 */
export function learningRateAt(config: ScheduleConfig, numSteps: number, step: number): number {
  const { learningRate, numWarmupSteps } = config;
  if (step < numWarmupSteps) return (learningRate * step) / numWarmupSteps;
  const { numerator, denominator } = shareAfterWarmup(config, numSteps, step);
  return numerator === 0 ? 0 : (learningRate * numerator) / denominator;
}

/** Not yet divided: the peak times the numerator is rounded first. */
interface Share {
  readonly numerator: number;
  readonly denominator: number;
}

function shareAfterWarmup(config: ScheduleConfig, numSteps: number, step: number): Share {
  const { numWarmupSteps, schedule } = config;
  const numLeft = Math.max(0, numSteps - step);
  const numAfterWarmup = numSteps - numWarmupSteps;
  switch (schedule) {
    case 'google':
      return { numerator: numLeft, denominator: numSteps };
    case 'linear':
      return { numerator: numLeft, denominator: numAfterWarmup };
    case 'constant':
      return { numerator: 1, denominator: 1 };
    case 'cosine': {
      const progress = numLeft === 0 ? 1 : (step - numWarmupSteps) / numAfterWarmup;
      return { numerator: 0.5 * (1 + Math.cos(Math.PI * progress)), denominator: 1 };
    }
    case 'square-root': {
      const timescale = numWarmupSteps > 0 ? numWarmupSteps : squareRootTimescale;
      const time = step - numWarmupSteps + timescale;
      return { numerator: 1, denominator: Math.sqrt(time / timescale) };
    }
    case 'wsd': {
      const numDecaySteps = numDecayStepsOf(config, numSteps);
      if (numLeft >= numDecaySteps) return { numerator: 1, denominator: 1 };
      if (config.decayShape !== '1-sqrt') return { numerator: numLeft, denominator: numDecaySteps };
      const progress = (numDecaySteps - numLeft) / numDecaySteps;
      return { numerator: 1 - Math.sqrt(progress), denominator: 1 };
    }
  }
}

/** What says which rates a run is trained with. */
export interface RatePlan {
  readonly optimizer: ScheduleConfig;
  readonly train: { readonly numSteps: number };
}

/** The first of some updates, counted from 0, at which two plans have other rates; undefined when all are equal. */
export function firstOtherRate(
  before: RatePlan,
  after: RatePlan,
  numUpdates: number,
): number | undefined {
  for (let step = 0; step < numUpdates; step++) {
    const [one, other] = [before, after].map(({ optimizer, train }) =>
      learningRateAt(optimizer, train.numSteps, step),
    );
    if (one !== other) return step;
  }
  return undefined;
}

/** The steps at which a run is saved for good, as its plan can be changed from there on: where its decay begins. */
export function milestonesOf(plan: RatePlan): readonly number[] {
  const start = decayStartOf(plan);
  return start === undefined || start === 0 ? [] : [start];
}

/** The step at which the decay that ends a run begins, up to which it can still be made longer. */
export function decayStartOf({ optimizer, train }: RatePlan): number | undefined {
  const numDecaySteps = numDecayStepsOf(optimizer, train.numSteps);
  return numDecaySteps === 0 ? undefined : train.numSteps - numDecaySteps;
}
